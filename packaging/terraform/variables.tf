variable "name" {
  description = "Names the load balancer, the target group and the security groups."
  type        = string
  default     = "rescue"

  validation {
    # A target group's name has at most 32 characters, and "-gate" is appended.
    condition     = can(regex("^[a-z][a-z0-9-]{0,24}[a-z0-9]$", var.name))
    error_message = "name: expected 2 to 26 lower-case letters, digits and '-', beginning with a letter."
  }
}

variable "vpc_id" {
  description = "The VPC of the sweepers and the boxes."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id: expected vpc-…."
  }
}

variable "subnet_ids" {
  description = "Subnets of the load balancer, one in each zone that it shall be in."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids: expected at least two of subnet-…, so that a zone may be lost."
  }
}

variable "internal" {
  description = "Whether the load balancer has addresses of the VPC only. If not, boxes reach it by public addresses, which boxes_security_group_id does not let them out to."
  type        = bool
  default     = true
}

variable "port" {
  description = "The sweepers' `listen` port, and the load balancer's."
  type        = number
  default     = 8443

  validation {
    condition     = var.port >= 1 && var.port <= 65535 && floor(var.port) == var.port
    error_message = "port: expected 1 to 65535."
  }
}

variable "admin_port" {
  description = "The sweepers' `admin_listen` port, which health checks ask for /readyz."
  type        = number
  default     = 9464

  validation {
    condition     = var.admin_port >= 1 && var.admin_port <= 65535 && floor(var.admin_port) == var.admin_port && var.admin_port != var.port
    error_message = "admin_port: expected 1 to 65535, and another one than port."
  }
}

variable "target_type" {
  description = "What registers as a target: \"instance\" for an Auto Scaling group, \"ip\" for sweeper_addresses or pods."
  type        = string
  default     = "instance"

  validation {
    condition     = contains(["instance", "ip"], var.target_type)
    error_message = "target_type: expected instance or ip."
  }
}

variable "sweeper_addresses" {
  description = "Addresses of sweepers that are registered here. Only with target_type \"ip\"."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.sweeper_addresses) == 0 || var.target_type == "ip"
    error_message = "sweeper_addresses: only with target_type ip."
  }

  validation {
    condition     = alltrue([for address in var.sweeper_addresses : can(cidrhost("${address}/32", 0))])
    error_message = "sweeper_addresses: expected IPv4 addresses."
  }
}

variable "client_cidrs" {
  description = "Where control plane and operators call from; the boxes are let in by their security group."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0))])
    error_message = "client_cidrs: expected IPv4 blocks as 10.0.0.0/16."
  }
}

variable "monitoring_cidrs" {
  description = "Where Prometheus scrapes admin_port from."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.monitoring_cidrs : can(cidrhost(cidr, 0))])
    error_message = "monitoring_cidrs: expected IPv4 blocks as 10.0.0.0/16."
  }
}

variable "sweeper_egress" {
  description = "What the sweepers must reach: PostgreSQL, Loki, a webhook. By name; each a port and a block or a security group."
  type = map(object({
    port              = number
    cidr              = optional(string)
    security_group_id = optional(string)
  }))

  validation {
    condition     = length(var.sweeper_egress) > 0 && alltrue([for rule in values(var.sweeper_egress) : (rule.cidr == null) != (rule.security_group_id == null)])
    error_message = "sweeper_egress: expected at least the database, each with either cidr or security_group_id."
  }

  validation {
    condition     = alltrue([for rule in values(var.sweeper_egress) : rule.cidr == null || can(cidrhost(rule.cidr, 0))])
    error_message = "sweeper_egress: cidr must be an IPv4 block as 10.0.0.0/16."
  }
}

variable "dns" {
  description = "A Route 53 zone and the name in the sweepers' certificate, for an alias of the load balancer. Null: none is made."
  type = object({
    zone_id = string
    name    = string
  })
  default = null
}

variable "deletion_protection" {
  description = "Whether the load balancer cannot be deleted by mistake."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}

variable "console_fallback" {
  description = "Whether to make the IAM policy that `console_fallback` in sweeper.yaml needs. It also needs a way to the EC2 API in sweeper_egress (443)."
  type        = bool
  default     = false
}
