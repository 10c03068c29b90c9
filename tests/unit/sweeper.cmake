rescue_unit_test(timeouts sweeper_core)
rescue_unit_test(sql sweeper_core)
foreach(name ledger ledger_captures ledger_identities)
	rescue_unit_test(${name} sweeper_core rescue::pq Threads::Threads)
	target_compile_definitions(test_${name} PRIVATE
		PRIVATE_POSTGRES="${CMAKE_CURRENT_SOURCE_DIR}/private_postgres.sh")
endforeach()
rescue_unit_test(aws_answer sweeper_core)
