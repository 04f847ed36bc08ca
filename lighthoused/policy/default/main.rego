# What every policy builds on: the effects by kind, and the shape of a rule's answer.
#
# input: {"effects": [...], "tool", "cwd", "agent", "profile": "balanced" or "strict", "unresolved": why, if it is}
# An effect has kind, target, scope and certainty, and where they say something program, place, recursive, undoable.
# A policy adds to `rules`; what it adds to `disabled` (ids of rules) does not count. Deny beats escalate beats allow.
package lighthouse

import rego.v1

result := {"rules": rules, "disabled": disabled}

by[kind] contains n if {
	some n, e in input.effects
	kind := e.kind
}

disabled contains "" if false

deny(id, n, reason) := {"id": id, "verdict": "deny", "effect": n, "reason": reason}

escalate(id, n, reason) := {"id": id, "verdict": "escalate", "effect": n, "reason": reason}

permit(id, n, reason) := {"id": id, "verdict": "allow", "effect": n, "reason": reason}

strict if input.profile == "strict"
