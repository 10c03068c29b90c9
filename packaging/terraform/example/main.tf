# Sweepers in an Auto Scaling group of yours, boxes in launch templates of yours.
module "rescue" {
  source = "../"

  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_cidrs = ["10.20.0.0/16"]

  sweeper_egress = {
    PostgreSQL = { port = 5432, security_group_id = "sg-0123456789abcdef0" }
    Loki       = { port = 3100, cidr = "10.30.0.0/24" }
  }

  dns = {
    zone_id = "Z0123456789ABCDEFGHIJ"
    name    = "sweeper.internal"
  }
}

output "agent_yaml" {
  value = "sweepers: [${module.rescue.sweeper_url}]"
}

output "launch_templates" {
  description = "Security groups of the boxes and of the sweepers."
  value       = [module.rescue.boxes_security_group_id, module.rescue.sweepers_security_group_id]
}

output "auto_scaling_group" {
  description = "Its target_group_arns."
  value       = [module.rescue.target_group_arn]
}
