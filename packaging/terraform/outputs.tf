output "dns_name" {
  description = "The load balancer's name. The sweepers' certificate must hold the name that the boxes use: this one, or dns.name."
  value       = aws_lb.gate.dns_name
}

output "sweeper_url" {
  description = "For `sweepers` in agent.yaml, and for RESCUE_SWEEPER."
  value       = "https://${var.dns == null ? aws_lb.gate.dns_name : var.dns.name}:${var.port}"
}

output "target_group_arn" {
  description = "For the Auto Scaling group of the sweepers (target_group_arns), or a Kubernetes TargetGroupBinding."
  value       = aws_lb_target_group.gate.arn
}

output "boxes_security_group_id" {
  description = "Give it to every box: it lets the agent out to the load balancer and nobody in."
  value       = aws_security_group.boxes.id
}

output "sweepers_security_group_id" {
  description = "Give it to the sweepers."
  value       = aws_security_group.sweepers.id
}

output "load_balancer_security_group_id" {
  description = "To let further groups in at the load balancer."
  value       = aws_security_group.load_balancer.id
}

output "console_policy_arn" {
  description = "To attach to the sweepers' role, or to the role in console_fallback.role. Null without console_fallback."
  value       = one(aws_iam_policy.console[*].arn)
}
