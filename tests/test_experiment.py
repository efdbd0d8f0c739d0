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
        ("seeds = [0, 1]", "seeds = 5", r"seeds of \[size.cpu\] must be a list; got 5"),
        ("seeds = [0, 1]", 'seeds = [0, "one"]', r"seeds must be whole numbers from 0; got \(0, 'one'\)"),
        ("seeds = [0, 1]", "seeds = [0, -1]", r"seeds must be whole numbers from 0; got \(0, -1\)"),
        ("seeds = [0, 1]", "seeds = [[0], 1]", r"seeds must be whole numbers from 0; got \(\[0\], 1\)"),
        ('fields = ["activation"]', 'fields = ["activation", 1]', 'config field "1" is unknown; choose one of'),
        ('fields = ["activation"]', 'fields = ["activation", []]', r'config field "\[\]" is unknown; choose one of'),
        ("[size.cpu]", "[size.smoke]", """the name of a size .* must be a word, and not "smoke"; got 'smoke'"""),
        ("[size.cpu]", '[size."a/b"]', "the name of a size .* must be a word, .*; got 'a/b'"),
        ('sources = ["a paper"]', "sources = [1]", "each of the sources of .* must be text; got 1"),
        ("fields = { steps", "feilds = { steps", r"\[size.cpu\] has feilds; it may have only: fields, seeds"),
        ("steps = 10", 'steps = "six"', r"steps of \[size.cpu\] must be a whole number; got 'six'"),
        ("steps = 10", "steps = 1.5", r"steps of \[size.cpu\] must be a whole number; got 1.5"),
        ("lr = 0.1\n", 'lr = "high"\n', r"lr of \[baseline\] must be a number; got 'high'"),
        ("lr = 0.1\n", "lr = true\n", r"lr of \[baseline\] must be a number; got True"),
        ("lr = 0.1\n", "bias = 1\n", r"bias of \[baseline\] must be true or false; got 1"),
        ("lr = 0.1\n", "activation = 3\n", r"activation of \[baseline\] must be text; got 3"),
        (
            "batch_size = 32",
            'batch_size = "all"',
            'batch_size of level "small" of factor "batch" must be a whole number',
        ),
        ("small = { batch_size = 32 }", "small = 32", 'level "small" of factor "batch" must be a table; got 32'),
        ('["a paper"]', '"a paper"', "sources of experiment \"x\" must be a list; got 'a paper'"),
        ('question = "Does it?"', "question = true", 'question of experiment "x" must be text; got True'),
        (
            'sources = ["a paper"]',
            'sources = ["a paper"]\nauthors = "us"',
            'experiment "x" has authors; it may have only: baseline, claim, engine, factor, published, question, .*sources',
        ),
        (
            'sources = ["a paper"]',
            'sources = ["a paper"]\nengine = "warp"',
            'engine "warp" is unknown; choose one of: fused, in turn',
        ),
        (
            "batch_size = 32 }, large = { batch_size = 512,",
            "batch_size = 64 }, large = { batch_size = 64,",
            'factor "batch" lists batch_size, but every level has it as the baseline has',
        ),
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


def test_an_unknown_slug_factor_level_or_size_lists_the_choices():
    with pytest.raises(ValueError, match='experiment "init" is unknown; choose one of: .*initialization'):
        experiment.load("init")
    with pytest.raises(ValueError, match='level of activation "elux" is unknown; choose one of: relu, tanh'):
        parse("x", TOML).config({"batch": "small", "activation": "elux"})
    with pytest.raises(
        ValueError, match=r"a level must be named for each factor \(batch, activation\); got {'lr': 'small'}"
    ):
        parse("x", TOML).config({"lr": "small"})
    with pytest.raises(ValueError, match='size "tpu" is unknown; choose one of: cpu'):
        parse("x", TOML).runs("tpu")


def test_a_size_is_asked_for():
    with pytest.raises(ValueError, match='the sizes of experiment "x" must be at least one, such as'):
        parse("x", TOML.replace("[size.cpu]\nseeds = [0, 1]\nfields = { steps = 10 }", "[size]"))


def test_whole_numbers_and_fields_that_may_be_none_take_their_kind():
    text = TOML.replace("lr = 0.1\n", "lr = 1\ntrain_images = 500\nimage_size = 16\nbias = false\n")
    assert parse("x", text).baseline.flat() | {"lr": 1, "train_images": 500} == parse("x", text).baseline.flat()


def test_a_level_may_be_the_baseline():
    config = parse("x", TOML.replace("tanh = ", "none = {}, tanh = ")).config({"batch": "small", "activation": "none"})
    assert config.model.activation == "relu"


def test_a_field_may_depart_from_the_baseline_at_one_size_only():
    text = TOML.replace("batch_size = 512, lr = 0.4", "batch_size = 512, lr = 0.1")
    with pytest.raises(ValueError, match='factor "batch" lists lr, but every level has it as the baseline has'):
        parse("x", text)
    parse("x", text.replace("steps = 10", "steps = 10, lr = 0.2"))


def test_an_engine_is_part_of_what_is_asked_only_where_it_is_given():
    given = parse("x", 'engine = "fused"\n' + TOML)
    assert (given.engine, parse("x", TOML).engine) == ("fused", "in turn")
    assert given.fingerprint != parse("x", TOML).fingerprint
    assert parse("x", 'rows = ["A05"]\n' + TOML).fingerprint == parse("x", TOML).fingerprint


def test_claims_are_kept_as_they_stand_and_are_not_part_of_the_question():
    claimed = parse("x", TOML + '[[claim]]\nsays = "large is worse"\n')
    assert claimed.claims == ({"says": "large is worse"},) and parse("x", TOML).claims == ()
    assert claimed.fingerprint == parse("x", TOML).fingerprint


@pytest.mark.parametrize("slug", experiment.slugs())
def test_every_experiment_of_the_package_parses_and_asks_for_enough_seeds(slug):
    asked = experiment.load(slug)
    assert asked.question.endswith("?")
    assert all(len(set(size.seeds)) >= 3 for size in asked.sizes.values())
