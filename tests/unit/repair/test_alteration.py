from justfit.repair._alteration import SIZES, Alteration, Hypothesis


def test_size_and_causes_follow_from_what_is_changed():
    assert Alteration().size == 0
    assert Alteration().causes == ()
    both = Alteration(init="auto").with_(Alteration(learning_rate=0.1)).with_(Alteration(learning_rate=0.1))
    assert both.learning_rate == 0.1 * 0.1
    assert both.size == SIZES["init"][0] + SIZES["learning_rate"][0]
    assert both.causes == ("initialization", "learning rate")


def test_every_field_has_a_size_and_the_smallest_come_first():
    assert set(SIZES) == set(Alteration.__dataclass_fields__)
    assert list(Alteration(normalization="layer", l2=0.0, learning_rate=3.0).changed) == [
        "learning_rate",
        "l2",
        "normalization",
    ]


def test_a_combination_is_named_after_what_helps_most_alone():
    first = Alteration(learning_rate=0.1)
    hypothesis = Hypothesis(name="both", alteration=first.with_(Alteration(init="auto")), first=first)
    assert hypothesis.cause == "learning rate"


def test_only_changes_of_layers_are_structural():
    assert Alteration(standardize=True).is_structural
    assert Alteration(activation="relu").is_structural
    assert not Alteration(init="auto", dropout=0.5, l2=3.0, learning_rate=0.1).is_structural
