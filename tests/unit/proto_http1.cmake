rescue_unit_test(http1 proto)
