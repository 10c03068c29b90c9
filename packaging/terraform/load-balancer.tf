# TCP is passed through: TLS ends in the sweepers, which must see the boxes' certificates.
resource "aws_lb" "gate" {
  name                             = var.name
  load_balancer_type               = "network"
  internal                         = var.internal
  subnets                          = var.subnet_ids
  security_groups                  = [aws_security_group.load_balancer.id]
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
  tags                             = var.tags
}

resource "aws_lb_target_group" "gate" {
  name        = "${var.name}-gate"
  vpc_id      = var.vpc_id
  target_type = var.target_type
  port        = var.port
  protocol    = "TCP"
  # The sweepers' logs name the boxes' addresses.
  preserve_client_ip = true
  # A sweeper that stops is unready at once and ends what it holds within 15 s.
  deregistration_delay = 30
  tags                 = var.tags

  # Not the gate itself: that accepts while the databases are away, and a connection without TLS counts as an attack.
  health_check {
    protocol            = "HTTP"
    port                = tostring(var.admin_port)
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 6
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

# A listener forgets connections that are idle for 350 s; a held request is answered after 300 s at the latest.
resource "aws_lb_listener" "gate" {
  load_balancer_arn = aws_lb.gate.arn
  port              = var.port
  protocol          = "TCP"
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gate.arn
  }
}

resource "aws_lb_target_group_attachment" "sweeper" {
  for_each = toset(var.sweeper_addresses)

  target_group_arn = aws_lb_target_group.gate.arn
  target_id        = each.value
}

resource "aws_route53_record" "gate" {
  count = var.dns == null ? 0 : 1

  zone_id = var.dns.zone_id
  name    = var.dns.name
  type    = "A"

  alias {
    name                   = aws_lb.gate.dns_name
    zone_id                = aws_lb.gate.zone_id
    evaluate_target_health = true
  }
}
