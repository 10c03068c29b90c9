LISTEN rescue_orders;
