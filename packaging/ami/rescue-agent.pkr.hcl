# An AMI with the agent in it, from a Debian 12 AMI, by what build-image does to any root:
#
#   packaging/packages
#   packer plugins install github.com/hashicorp/amazon    # from Packer 1.11 on; older ones have it built in
#   packer build -var region=eu-west-1 -var package=build/packages/rescue-agent_0.1.0-1_arm64.deb -var architecture=arm64 \
#     -var config=agent.yaml -var ca=ca.crt packaging/ami/rescue-agent.pkr.hcl

variable "region" {
  type = string
}

variable "architecture" {
  type        = string
  default     = "amd64"
  description = "amd64 or arm64: that of the package"
}

variable "package" {
  type        = string
  description = "the rescue-agent .deb"
}

variable "config" {
  type        = string
  description = "agent.yaml; with identity.enroll it holds nothing that differs between boxes"
}

variable "ca" {
  type        = string
  description = "the authority of the sweeper's certificate"
}

locals {
  instance_types = { amd64 = "t3.small", arm64 = "t4g.small" }
  machines       = { amd64 = "x86_64", arm64 = "arm64" }
}

source "amazon-ebs" "agent" {
  region        = var.region
  instance_type = local.instance_types[var.architecture]
  ssh_username  = "admin"
  ami_name      = "rescue-agent-${var.architecture}-${formatdate("YYYYMMDDhhmmss", timestamp())}"

  source_ami_filter {
    filters = {
      name                = "debian-12-${var.architecture}-*"
      architecture        = local.machines[var.architecture]
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    owners      = ["136693071363"] # Debian
    most_recent = true
  }
}

build {
  sources = ["source.amazon-ebs.agent"]

  provisioner "file" {
    source      = var.package
    destination = "/tmp/rescue-agent.deb"
  }
  provisioner "file" {
    source      = var.config
    destination = "/tmp/agent.yaml"
  }
  provisioner "file" {
    source      = var.ca
    destination = "/tmp/ca.crt"
  }
  provisioner "file" {
    source      = "${path.root}/build-image"
    destination = "/tmp/build-image"
  }
  provisioner "shell" {
    inline = [
      "sudo bash /tmp/build-image / /tmp/rescue-agent.deb --config /tmp/agent.yaml --ca /tmp/ca.crt",
      "rm /tmp/build-image /tmp/rescue-agent.deb /tmp/agent.yaml /tmp/ca.crt",
    ]
  }
}
