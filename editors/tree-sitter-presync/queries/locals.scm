(source_file) @local.scope

(system_declaration name: (_) @local.definition.namespace)
(group_declaration name: (_) @local.definition.type)
(flag_declaration name: (_) @local.definition.var)
(choice_declaration name: (_) @local.definition.var)
(condition_declaration name: (_) @local.definition.function)
(mapping_declaration name: (_) @local.definition.function)
(profile_declaration name: (_) @local.definition.type)
(role_declaration name: (_) @local.definition.type)

(_ system: (_) @local.reference)
(_ fact: (_) @local.reference)
(is subject: (_) @local.reference)
(apply mapping: (_) @local.reference)
(role_declaration profile: (_) @local.reference)
