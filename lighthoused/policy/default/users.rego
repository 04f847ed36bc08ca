# What users' policies, which are in this package, build on, and the answer that is asked for.
#
# A policy adds to `rules`; the ids that it adds to `disabled` do not count. A rule of a user with the id of one that
# comes with Lighthouse stands in its place.
package lighthouse

import rego.v1

own := {"rules": rules, "disabled": disabled}

result := object.union(own, {"standard": data.lighthouse.standard.rules})

rules contains {} if false

disabled contains "" if false

by := data.lighthouse.standard.by

strict if data.lighthouse.standard.strict

deny(id, n, reason) := data.lighthouse.standard.deny(id, n, reason)

escalate(id, n, reason) := data.lighthouse.standard.escalate(id, n, reason)

negotiable(rule) := data.lighthouse.standard.negotiable(rule)

permit(id, n, reason) := data.lighthouse.standard.permit(id, n, reason)

warn(id, n, reason) := data.lighthouse.standard.warn(id, n, reason)
