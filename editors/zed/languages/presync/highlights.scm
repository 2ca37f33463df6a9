(doc_comment) @comment.documentation
(comment) @comment
(string) @string
(number) @number
(lint_code) @constant

["use" "system" "extend" "group" "flag" "choice" "condition" "mapping" "profile" "role" "uses" "test" "scenario" "state"] @keyword
["append" "apply" "default" "for" "given" "observe" "override" "resync" "set" "to" "wait" "when" "with"] @keyword
["attributes" "by" "echo" "hand" "id" "online" "other" "read_only" "reads" "text"] @keyword.modifier
["all" "and" "is" "not" "or"] @keyword.operator
["any" "nothing" "otherwise" "previous" "unchanged" "unmapped"] @constant.builtin
"@allow" @attribute
["->" "<->" "=>" "=" "|"] @operator
["{" "}" "(" ")"] @punctuation.bracket
["," ":" "."] @punctuation.delimiter

(system_declaration name: (word) @module)
(_ system: (word) @module)
(state name: (word) @constant)
(_ state: (word) @constant)
(_ state: (string) @constant)
(group_declaration name: (word) @type)
(flag_declaration name: (word) @variable)
(choice_declaration name: (word) @variable)
(choice_declaration value: (word) @constant)
(_ fact: (word) @variable)
(is subject: (word) @variable)
(is value: (word) @constant)
(condition_declaration name: (word) @function)
(mapping_declaration name: (word) @function)
(apply mapping: (word) @function)
(_ attribute: (word) @property)
(profile_declaration name: (_) @type)
(role_declaration name: (_) @type)
(role_declaration profile: (_) @type)
(test_declaration name: (_) @string.special)
(scenario_declaration name: (_) @string.special)
