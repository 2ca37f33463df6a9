[
  (block)
  (system_body)
  (test_declaration)
  (scenario_declaration)
] @fold
