# For boxes that no agent speaks for: their console output, and nothing else of EC2.
resource "aws_iam_policy" "console" {
  count = var.console_fallback ? 1 : 0

  name        = "${var.name}-console"
  description = "Rescue: sweepers read the console output of boxes whose boot failed"
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "ec2:GetConsoleOutput"
      Resource = "*"
    }]
  })
}
