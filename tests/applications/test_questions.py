import pytest
import torch

from cnnlab.applications.learning import accuracy, learn
from cnnlab.applications.questions import (
    ANSWERS,
    BagOfWordsAndImage,
    ask,
    bag_of_words,
    question_only,
    small_eye,
    vocabulary,
)
from cnnlab.data.shapes import COLORS, SHAPES, generate

pytestmark = pytest.mark.rows("U04")


def test_the_bag_is_scikit_learns_counts():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["what color is the star", "is the star the star", "where is it"]
    counter = CountVectorizer().fit(texts)
    assert vocabulary(texts) == counter.get_feature_names_out().tolist()
    assert bag_of_words(texts, vocabulary(texts)).tolist() == counter.transform(texts).toarray().tolist()
    assert bag_of_words(["STAR trek"], vocabulary(texts)).sum() == 1


def test_the_answer_is_what_the_picture_was_drawn_with():
    asked, factors = ask(100), generate(100, difficulty=0).factors
    for i, (question, answer) in enumerate(zip(asked.questions, asked.answers.tolist(), strict=True)):
        color, shape = list(COLORS)[factors["color"][i]], SHAPES[factors["shape"][i]]
        assert (question, ANSWERS[answer]) in [
            (f"what color is the {shape}", color),
            (f"what shape is the {color} figure", shape),
        ]
    assert 30 < sum(question.startswith("what color") for question in asked.questions) < 70


def test_word_and_image_only_add_up():
    torch.manual_seed(0)
    model = BagOfWordsAndImage(small_eye(), 64, words=3, answers=4)
    x, q = torch.randn(2, 3, 32, 32), torch.eye(3)[:2]
    answers = [[model(x[i : i + 1], q[j : j + 1]) for j in range(2)] for i in range(2)]
    torch.testing.assert_close(answers[0][0] + answers[1][1], answers[0][1] + answers[1][0])


def test_pictures_and_words_answer_90_percent_and_words_alone_30_points_less():
    torch.manual_seed(0)
    train, test = ask(3000), ask(500, seed=1)
    words = vocabulary(train.questions)
    bags, new_bags = (bag_of_words(asked.questions, words) for asked in (train, test))
    images, new_images = (asked.images / 127.5 - 1 for asked in (train, test))
    both = BagOfWordsAndImage(small_eye(), 64, words=len(words), answers=len(ANSWERS))
    learn(both, [images, bags], train.answers, steps=300, lr=0.003)
    blind = question_only(len(words), len(ANSWERS))
    learn(blind, [bags], train.answers, steps=300)
    seeing, guessing = accuracy(both, [new_images, new_bags], test.answers), accuracy(blind, [new_bags], test.answers)
    assert seeing >= 0.9 and seeing - guessing >= 0.3
    assert 0.05 < guessing < 0.2  # one color of eight, one shape of ten
