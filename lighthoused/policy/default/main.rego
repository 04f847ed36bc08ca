# What every policy builds on: the effects by kind, and the shape of a rule's answer.
#
# input: {"effects": [...], "tool", "cwd", "agent", "profile": "balanced" or "strict", "unresolved": why, if it is}
# An effect has kind, target, scope and certainty, and where they say something program, place, recursive, undoable.
# A policy adds to `rules`. Deny beats escalate beats allow.
# The rules that come with Lighthouse are in this package, those of users in package lighthouse (see users.rego).
package lighthouse.standard

import rego.v1

by[kind] contains n if {
	some n, e in input.effects
	kind := e.kind
}

deny(id, n, reason) := {"id": id, "verdict": "deny", "effect": n, "reason": reason}

escalate(id, n, reason) := {"id": id, "verdict": "escalate", "effect": n, "reason": reason}

# An escalation that people's earlier answers may settle. Without it a person is asked each time: what cannot be taken
# back, what leaves the machine, what gives rights, and what depends on more than can be seen (a current branch, a
# cluster, a script from the network) stays so.
negotiable(rule) := object.union(rule, {"negotiable": true})

permit(id, n, reason) := {"id": id, "verdict": "allow", "effect": n, "reason": reason}

# Allows, and says why it is worth a look.
warn(id, n, reason) := permit(id, n, reason)

strict if input.profile == "strict"
