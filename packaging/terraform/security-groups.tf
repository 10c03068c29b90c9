# Three groups: boxes → load balancer → sweepers. Nobody gets in at the boxes; they have no inbound rule.

resource "aws_security_group" "boxes" {
  name        = "${var.name}-boxes"
  description = "Rescue: boxes reach the sweepers, and nothing reaches the boxes"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-boxes" })
}

resource "aws_vpc_security_group_egress_rule" "boxes_to_load_balancer" {
  security_group_id            = aws_security_group.boxes.id
  description                  = "The agent's one connection"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-lb"
  description = "Rescue: load balancer of the sweepers"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-lb" })
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer_from_boxes" {
  security_group_id            = aws_security_group.load_balancer.id
  description                  = "Agents"
  referenced_security_group_id = aws_security_group.boxes.id
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer_from_clients" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.load_balancer.id
  description       = "Control plane and operators"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.port
  to_port           = var.port
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_sweepers" {
  for_each = toset([tostring(var.port), tostring(var.admin_port)])

  security_group_id            = aws_security_group.load_balancer.id
  description                  = "The gate, and health checks on the admin port"
  referenced_security_group_id = aws_security_group.sweepers.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_security_group" "sweepers" {
  name        = "${var.name}-sweepers"
  description = "Rescue: sweepers"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-sweepers" })
}

# The client's address is preserved, and the rule still holds: it is the load balancer that the traffic comes through.
resource "aws_vpc_security_group_ingress_rule" "sweepers_from_load_balancer" {
  for_each = toset([tostring(var.port), tostring(var.admin_port)])

  security_group_id            = aws_security_group.sweepers.id
  description                  = "The gate, and health checks on the admin port"
  referenced_security_group_id = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_vpc_security_group_ingress_rule" "sweepers_from_monitoring" {
  for_each = toset(var.monitoring_cidrs)

  security_group_id = aws_security_group.sweepers.id
  description       = "Prometheus"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = var.admin_port
  to_port           = var.admin_port
}

resource "aws_vpc_security_group_egress_rule" "sweepers" {
  for_each = var.sweeper_egress

  security_group_id            = aws_security_group.sweepers.id
  description                  = each.key
  cidr_ipv4                    = each.value.cidr
  referenced_security_group_id = each.value.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
