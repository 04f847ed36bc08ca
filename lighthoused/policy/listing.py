"""The policies in force as people see them: what each defines, and what every rule says and shows by example."""

from pathlib import Path

from lighthoused.core.errors import NotFound
from lighthoused.policy.catalogue import Example, Rule, examples_of, is_default, matches, rules_of
from lighthoused.policy.engine import Policies
from lighthoused.protocol.messages.policies import PolicyRule, PolicyView, RuleView


class Listing:
    """One look at all policies in force. `disabled`: the ids that they switch off."""

    def __init__(self, policies: Policies) -> None:
        self.sources = {**policies.builtin, **policies.users}
        self._disabled = policies.disabled
        self._replaced = policies.replaced
        self.rules = [rule for name, source in self.sources.items() for rule in rules_of(name, source)]
        self.examples = [example for name, source in self.sources.items() for example in examples_of(name, source)]

    def view(self, name: str, shelf: Path) -> PolicyView:
        """One policy; `shelf` holds those that were put."""
        path = "" if is_default(name) else name
        put = bool(path) and Path(path).parent == shelf
        return PolicyView(
            name=Path(path).stem if put else name,
            origin="put" if put else "file" if path else "default",
            path=path,
            rules=tuple(
                PolicyRule(rule.id, rule.verdict, rule.line, self._state(rule), len(self._about(rule)))
                for rule in self.rules
                if rule.policy == name
            ),
        )

    def find(self, name: str, shelf: Path) -> str:
        """The policy of that name or path, or whose file is called so. Raises NotFound."""
        found = [known for known in self.sources if name in (known, Path(known).name, Path(known).stem)]
        put = [known for known in found if Path(known).parent == shelf]
        exact = [known for known in found if known == name] or put or found
        if len(exact) != 1:
            several = f"There are several: {', '.join(exact)}." if exact else "See 'lighthousectl policy list'."
            raise NotFound(f"There is no one policy {name!r}.", several)
        return exact[0]

    def explain(self, id: str) -> tuple[RuleView, ...]:
        """The rules with an id. Raises NotFound."""
        found = tuple(self._rule(rule) for rule in self.rules if id == rule.id or _fits(id, rule.id))
        if not found:
            raise NotFound(
                f"There is no rule {id!r}.",
                "'lighthousectl policy list' shows all; 'lighthousectl check --explain' explains a verdict.",
            )
        return found

    def _rule(self, rule: Rule) -> RuleView:
        about = self._about(rule)
        return RuleView(
            id=rule.id,
            verdict=rule.verdict,
            policy=rule.policy,
            line=rule.line,
            state=self._state(rule),
            source=rule.source,
            caught=tuple(one.text for one in about if one.expected != "not"),
            spared=tuple(one.text for one in about if one.expected == "not"),
        )

    def _about(self, rule: Rule) -> list[Example]:
        exact = {one.id for one in self.rules if one.id != rule.id}
        return [
            one
            for one in self.examples
            if one.policy == rule.policy and matches(rule.id, one.rule) and one.rule not in exact
        ]

    def _state(self, rule: Rule) -> str:
        if rule.id in self._disabled:
            return "disabled"
        return "replaced" if is_default(rule.policy) and rule.id in self._replaced else "in force"


def _fits(asked: str, id: str) -> bool:
    return matches(id, asked) or ("*" in asked and matches(asked, id))
