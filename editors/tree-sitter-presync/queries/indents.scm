[
  (block)
  (system_body)
  (marks)
  (test_declaration)
  (scenario_declaration)
] @indent.begin

"}" @indent.end @indent.branch
