rescue_unit_test(ctl_args ctl_core)
rescue_unit_test(ctl_style ctl_core)
rescue_unit_test(ctl_loki ctl_core)
rescue_unit_test(ctl_render ctl_core)
