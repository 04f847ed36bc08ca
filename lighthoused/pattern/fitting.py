"""Makes the model of a list of answers, where there are enough to learn from. Until then numpy is not even imported."""

from collections import Counter

from lighthoused.pattern.answers import Answer
from lighthoused.pattern.patterns import Generaliser

MIN_ALLOWED = 30
MIN_DENIED = 19
"""With fewer denials nothing can be said to be safe with 95 % confidence."""


def fit(answers: tuple[Answer, ...]) -> Generaliser | None:
    """A model, None where the answers are too few."""
    said = Counter(answer.said for answer in answers)
    if said["allow"] < MIN_ALLOWED or said["deny"] < MIN_DENIED:
        return None
    from lighthoused.pattern.model import Model

    model = Model()
    for answer in answers:
        model.learn(answer)
    return model
