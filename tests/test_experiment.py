import pytest

from cnnlab import experiment
from cnnlab.experiment import parse

TOML = """
question = "Does it?"
sources = ["a paper"]
[baseline]
lr = 0.1
[factor.batch]
fields = ["batch_size", "lr"]
levels = { small = { batch_size = 32 }, large = { batch_size = 512, lr = 0.4 } }
[factor.activation]
fields = ["activation"]
levels = { relu = { activation = "relu" }, tanh = { activation = "tanh" } }
[size.cpu]
seeds = [0, 1]
fields = { steps = 10 }
"""


def test_levels_are_crossed_and_seeds_turn_slowest():
    runs = parse("x", TOML).runs()
    assert len(runs) == 2 * 2 * 2
    assert [seed for _, seed in runs] == [0] * 4 + [1] * 4
    assert runs[0][0] == {"batch": "small", "activation": "relu"}


def test_a_level_departs_from_the_baseline_in_its_fields_only():
    config = parse("x", TOML).config({"batch": "large", "activation": "relu"}).flat()
    assert (config["batch_size"], config["lr"], config["steps"]) == (512, 0.4, 10)
    assert parse("x", TOML).config({"batch": "small", "activation": "relu"}).flat()["lr"] == 0.1


def test_the_fingerprint_follows_the_question_asked_not_the_prose():
    fingerprint = parse("x", TOML).fingerprint
    assert parse("x", TOML.replace("Does it?", "Does it really?")).fingerprint == fingerprint
    assert parse("x", TOML.replace("lr = 0.4", "lr = 0.5")).fingerprint != fingerprint


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"batch_size", "lr"',
            '"batch_size"',
            'level "large" .* changes lr, but the factor may change only: batch_size',
        ),
        ('fields = ["activation"]', 'fields = ["activation", "depth"]', "lists depth, but no level changes it"),
        ("lr = 0.1", "learning = 0.1", 'config field "learning" is unknown; choose one of'),
        ('question = "Does it?"', "", "says nothing of: question"),
        ('fields = ["activation"]', 'fields = ["activation", "lr"]', "lists lr, but no level changes it"),
        ("seeds = [0, 1]", "seeds = [0, 0]", r"needs seeds, each of them once; got \[0, 0\]"),
        ("seeds = [0, 1]", "seeds = []", r"needs seeds, each of them once; got \[\]"),
        ("seeds = [0, 1]", "", r"\[size.cpu\] says nothing of: seeds"),
        ("fields = { steps", "feilds = { steps", r"\[size.cpu\] has feilds; it may have only: fields, seeds"),
    ],
)
def test_a_crooked_experiment_is_refused(old, new, message):
    with pytest.raises(ValueError, match=message):
        parse("x", TOML.replace(old, new))


def test_a_field_belongs_to_one_factor():
    both = TOML.replace('fields = ["activation"]', 'fields = ["activation", "lr"]').replace(
        'tanh = { activation = "tanh" }', 'tanh = { activation = "tanh", lr = 0.2 }'
    )
    with pytest.raises(ValueError, match="both factors of x change lr"):
        parse("x", both)


def test_an_unknown_slug_level_or_size_lists_the_choices():
    with pytest.raises(ValueError, match='experiment "init" is unknown; choose one of: .*initialization'):
        experiment.load("init")
    with pytest.raises(ValueError, match='level of activation "elux" is unknown; choose one of: relu, tanh'):
        parse("x", TOML).config({"batch": "small", "activation": "elux"})
    with pytest.raises(ValueError, match='size "tpu" is unknown; choose one of: cpu'):
        parse("x", TOML).runs("tpu")


@pytest.mark.parametrize("slug", experiment.slugs())
def test_every_experiment_of_the_package_parses_and_asks_for_enough_seeds(slug):
    asked = experiment.load(slug)
    assert asked.question.endswith("?")
    assert all(len(set(size.seeds)) >= 3 for size in asked.sizes.values())
