"""The endless order of batches, and what is done to pictures on the way."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import Generator, Tensor

from aigc.data.augment import Augmentation, augment, move
from aigc.data.batches import Batches, examples
from aigc.data.dataspec import DataSpec
from aigc.data.load import Dataset
from aigc.knobs import read
from aigc.options import Options
from aigc.words import both

NOTHING = Augmentation()


def numbered(n: int, shape: tuple[int, ...] = (1, 4, 4)) -> Dataset:
    """Picture i is all i; label i is i % 10."""
    i = torch.arange(n)
    x = i.float()[:, None].expand(n, 2).contiguous() if len(shape) == 1 else i.to(torch.uint8)[:, None, None, None].expand(n, *shape).contiguous()
    return Dataset(DataSpec("numbered", both("numbered", "编号"), shape), x, i % 10, x[:2], i[:2] % 10)


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def drawn(batches: Batches, index: int) -> list[int]:
    x = batches.draw(index, rng()).x
    return (x.flatten(1)[:, 0] * (1 if batches.is_points else 255)).round().int().tolist()


def photographs(n: int = 6, channels: int = 3, side: int = 32) -> Tensor:
    """Smooth, so that interpolation has something to agree on."""
    x = torch.rand(n, channels, side // 4, side // 4, generator=rng(1))
    return torch.nn.functional.interpolate(x, scale_factor=4, mode="bilinear").clamp(0, 1)


# batches


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 50), size=st.integers(1, 120), seed=st.integers(0, 2**31 - 1))
def test_every_round_draws_every_example_once(n: int, size: int, seed: int):
    batches = Batches(numbered(n), size, NOTHING, seed, "cpu")
    stream: list[int] = []
    while len(stream) < 3 * n + size:
        stream += drawn(batches, len(stream) // size)
    for epoch in range(3):
        assert sorted(stream[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_position_is_the_index_alone():
    """What a resumed run needs: batch k is the same whether or not those before it were drawn here."""
    through = Batches(numbered(50), 16, NOTHING, 3, "cpu")
    stream = [drawn(through, k) for k in range(40)]
    for k in (39, 0, 17, 17, 3):
        assert drawn(Batches(numbered(50), 16, NOTHING, 3, "cpu"), k) == stream[k]
        assert drawn(through, k) == stream[k]


def test_rounds_and_seeds_are_shuffled_differently():
    rounds = {tuple(drawn(Batches(numbered(50), 50, NOTHING, seed, "cpu"), epoch)) for seed in range(3) for epoch in range(3)}
    assert len(rounds) == 9


def test_labels_stay_with_their_examples():
    batch = Batches(numbered(50), 30, Augmentation(flip=True), 0, "cpu").draw(1, rng())
    assert batch.labels is not None and len(batch) == 30
    assert ((batch.x[:, 0, 0, 0] * 255).round().long() % 10).equal(batch.labels)


def test_bytes_become_exactly_their_share_of_one():
    x = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1, 1).expand(256, 1, 8, 8).contiguous()
    data = Dataset(DataSpec("x", both("x", "x"), (1, 8, 8)), x, None, x, None)
    batch = Batches(data, 256, NOTHING, 0, "cpu").draw(0, rng())
    assert batch.x.dtype == torch.float32 and batch.labels is None
    assert batch.x[:, 0, 0, 0].sort().values.equal(torch.arange(256) / 255)


@pytest.mark.parametrize("augmentation", [NOTHING, Augmentation(0.1, 10, 0.1, True)])
def test_images_come_channels_last_and_right_way_round(augmentation: Augmentation):
    x = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8, generator=rng())
    data = Dataset(DataSpec("x", both("x", "x"), (3, 8, 8)), x, None, x, None)
    batches = Batches(data, 20, augmentation, 0, "cpu")
    batch = batches.draw(0, rng())
    assert batch.x.is_contiguous(memory_format=torch.channels_last)
    if augmentation == NOTHING:
        assert batch.x.equal(x[batches._order(0)] / 255)


def test_points_pass_untouched():
    data = numbered(50, (2,))
    batch = Batches(data, 50, Augmentation(0.5, 180, 0.5, True), 0, "cpu").draw(0, rng())
    assert batch.x.sort(0).values.equal(data.x)


def test_only_the_augmentation_draws_from_the_generator():
    generator = rng()
    before = generator.get_state()
    Batches(numbered(50), 16, NOTHING, 0, "cpu").draw(0, generator)
    assert generator.get_state().equal(before)
    Batches(numbered(50), 16, Augmentation(flip=True), 0, "cpu").draw(0, generator)
    assert not generator.get_state().equal(before)


@pytest.mark.slow
def test_drawing_costs_a_training_next_to_nothing():
    """A dense network learns from some 30,000 pictures a second on one core; the bar leaves room for a busy machine."""
    x = torch.randint(0, 256, (60_000, 28, 28, 1), dtype=torch.uint8).permute(0, 3, 1, 2)
    data = Dataset(DataSpec("x", both("x", "x"), (1, 28, 28)), x, torch.zeros(60_000, dtype=torch.int64), x[:2], None)
    for augmentation, most in ((NOTHING, 400_000), (Augmentation(flip=True), 100_000), (Augmentation(shift=0.1), 60_000)):
        batches, generator = Batches(data, 128, augmentation, 0, "cpu"), rng()
        best = math.inf
        for k in range(300):
            began = time.perf_counter()
            batches.draw(k, generator)
            best = min(best, time.perf_counter() - began)
        assert 128 / best > most


# augmentation


@pytest.mark.parametrize("augmentation", [Augmentation(rotation=10), Augmentation(scale=0.2), Augmentation(0.1, 10, 0.1, True)])
def test_pixels_stay_probabilities(augmentation: Augmentation):
    """Ink and light on grey paper: taking the background off and putting it back rounds beyond 0 and 1."""
    x = torch.full((64, 1, 28, 28), 200 / 255)
    x[:, :, 6:14, 6:14], x[:, :, 16:22, 16:22] = 0, 1
    y = augment(x, augmentation, rng())
    assert y.min() >= 0 and y.max() <= 1
    torch.bernoulli(y, generator=rng())


def test_no_augmentation_gives_the_very_tensor_back():
    x = photographs()
    assert augment(x, NOTHING, rng()) is x
    points = torch.randn(5, 2)
    assert augment(points, Augmentation(0.1, 10, 0.1, True), rng()) is points


def test_it_is_what_the_options_say():
    options = read(Options, {"shift": 0.1, "rotation": 15, "scale": 0.2, "flip": True})
    assert Augmentation.of(options) == Augmentation(0.1, 15.0, 0.2, True)
    assert Augmentation.of(Options()) == NOTHING


@pytest.mark.parametrize("channels", [1, 3])
def test_moves_by_whole_pixels_are_exact(channels: int):
    x = photographs(4, channels)
    down, right = torch.tensor([0, 3, -5, 16]), torch.tensor([0, -2, 7, 16])
    moved = move(x, down, right)
    for i, (dy, dx) in enumerate(zip(down.tolist(), right.tolist(), strict=True)):
        kept = moved[i, :, max(0, dy) : 32 + min(0, dy), max(0, dx) : 32 + min(0, dx)]
        original = x[i, :, max(0, -dy) : 32 - max(0, dy), max(0, -dx) : 32 - max(0, dx)]
        assert torch.allclose(kept, original, rtol=0, atol=1e-7)
        if channels == 3:  # beyond the edge a photograph is mirrored, the outermost pixel twice
            expected = np.roll(np.pad(x[i], ((0, 0), (32, 32), (32, 32)), "symmetric"), (dy, dx), (1, 2))[:, 32:64, 32:64]
            np.testing.assert_array_equal(moved[i], expected)


@pytest.mark.parametrize(("ground", "ink"), [(0.0, 1.0), (1.0, 0.0), (0.25, 0.75)])
def test_what_comes_into_a_grey_picture_is_its_background(ground: float, ink: float):
    x = torch.full((1, 1, 8, 8), ground)
    x[:, :, :, 3:5] = ink  # a stroke from edge to edge, as many digits have
    moved = move(x, torch.tensor([3]), torch.tensor([0]))
    assert torch.allclose(moved[:, :, :3], torch.full((1, 1, 3, 8), ground)) and torch.allclose(moved[:, :, 3:], x[:, :, 3:])


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_quarter_turns_are_exact(degrees: int):
    x = photographs()
    turned = move(x, angle=torch.full((len(x),), math.radians(degrees)))
    assert torch.allclose(turned, torch.rot90(x, degrees // 90, (2, 3)), atol=1e-5)


@pytest.mark.parametrize("degrees", [10.0, -33.0, 140.0])
def test_a_turn_agrees_with_scipy(degrees: float):
    x = photographs(1)
    turned = move(x, angle=torch.tensor([math.radians(degrees)]))[0].numpy()
    theirs = ndimage.rotate(x[0].numpy(), degrees, axes=(1, 2), reshape=False, order=1, mode="constant")
    grid = np.hypot(*np.mgrid[-15.5:16, -15.5:16])
    assert np.abs(turned - theirs)[:, grid < 14].max() < 1e-4  # the corners, they fill in otherwise


@pytest.mark.parametrize("zoom", [0.7, 1.4])
def test_an_enlargement_agrees_with_scipy(zoom: float):
    x = photographs(1)
    enlarged = move(x, zoom=torch.tensor([zoom]))[0].numpy()
    middle = 15.5 - 15.5 / zoom
    theirs = ndimage.affine_transform(x[0].numpy(), [1, 1 / zoom, 1 / zoom], [0, middle, middle], order=1)
    inside = slice(6, 26)
    assert np.abs(enlarged - theirs)[:, inside, inside].max() < 1e-4


def test_mirroring_is_exact_and_comes_first():
    x = photographs(2)
    mirrored = torch.tensor([True, False])
    assert move(x, mirrored=mirrored).equal(torch.stack([x[0].flip(-1), x[1]]))
    both_at_once = move(x, torch.tensor([2, 2]), torch.tensor([3, 3]), torch.tensor([0.3, 0.3]), mirrored=mirrored)
    one_by_one = move(move(x, mirrored=mirrored), torch.tensor([2, 2]), torch.tensor([3, 3]), torch.tensor([0.3, 0.3]))
    assert torch.allclose(both_at_once, one_by_one, atol=1e-5)


def test_half_are_mirrored_and_each_by_its_own_dice():
    x = torch.zeros(4000, 1, 8, 8)
    x[..., 0] = 1
    flipped = augment(x, Augmentation(flip=True), rng())[:, 0, 0, -1]
    assert abs(flipped.mean() - 0.5) < 4 * 0.5 / math.sqrt(4000)
    assert 900 < (flipped[1:] != flipped[:-1]).sum() < 3100


def test_shifts_are_even_up_to_their_share():
    x = torch.zeros(9000, 1, 21, 21)
    x[:, :, 10, 10] = 1
    moved = augment(x, Augmentation(shift=0.1), rng())[:, 0]
    assert moved.sum((1, 2)).eq(1).all()  # never blurred, never lost
    places = moved.flatten(1).argmax(1)
    counts = torch.bincount(places // 21 * 21 + places % 21, minlength=441).reshape(21, 21)
    assert counts[8:13, 8:13].sum() == 9000  # at most two pixels either way
    expected = 9000 / 25
    assert ((counts[8:13, 8:13] - expected) ** 2 / expected).sum() < 51  # chi squared, 24 degrees of freedom, p = 0.001


def test_turns_and_sizes_are_even_up_to_their_amount():
    x = torch.zeros(3000, 1, 33, 33)
    x[:, :, 16, 28] = 1  # twelve pixels right of the middle
    moved = augment(x, Augmentation(rotation=30, scale=0.2), rng())[:, 0]
    weight = moved / moved.sum((1, 2), keepdim=True)
    steps = torch.arange(33.0) - 16
    right, down = (weight * steps).sum((1, 2)), (weight * steps[:, None]).sum((1, 2))
    angle, zoom = torch.atan2(-down, right) * 180 / math.pi, torch.hypot(right, down) / 12
    assert angle.abs().max() < 33 and 28 < angle.abs().quantile(0.98) < 31
    assert abs(angle.mean()) < 1.5 and abs(angle.std() - 30 / math.sqrt(3)) < 1
    assert 0.76 < zoom.min() < 0.84 and 1.16 < zoom.max() < 1.24 and abs(zoom.mean() - 1) < 0.02


def test_dice_decide_and_nothing_else():
    x, a = photographs(), Augmentation(0.2, 30, 0.2, True)
    assert augment(x, a, rng(5)).equal(augment(x, a, rng(5)))
    assert not augment(x, a, rng(5)).equal(augment(x, a, rng(6)))
    torch.manual_seed(0)
    first = augment(x, a, rng(5))
    torch.manual_seed(1)
    assert first.equal(augment(x, a, rng(5)))


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 0.5), st.floats(0, 180), st.floats(0, 0.5), st.booleans(), st.sampled_from([1, 3]), st.integers(0, 1000)
)  # fmt: skip
def test_pictures_stay_pictures(shift: float, rotation: float, scale: float, flip: bool, channels: int, seed: int):
    x = torch.rand(4, channels, 12, 12, generator=rng(seed))
    y = augment(x, Augmentation(shift, rotation, scale, flip), rng(seed))
    assert y.shape == x.shape and y.isfinite().all()
    assert y.min() >= x.min() - 1e-5 and y.max() <= x.max() + 1e-5


def test_white_photographs_get_no_black_corners():
    white = torch.ones(50, 3, 16, 16)
    assert torch.allclose(augment(white, Augmentation(0.3, 45, 0.3, True), rng()), white, atol=1e-5)


# the gallery


def test_examples_are_the_same_ones_with_and_without():
    data = numbered(50, (3, 8, 8))
    plain = examples(data, 12, NOTHING, rng(4))
    changed = examples(data, 12, Augmentation(0.2, 20, 0.2, True), rng(4))
    assert plain.shape == (12, 3, 8, 8) and torch.allclose(plain, changed, atol=1e-5)  # one colour each: all that can be seen
    assert len({round(float(v) * 255) for v in plain[:, 0, 0, 0]}) == 12
    assert len(examples(data, 999, NOTHING, rng())) == 50
    assert examples(numbered(50, (2,)), 5, Augmentation(flip=True), rng()).shape == (5, 2)
