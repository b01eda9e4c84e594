"""Those who race: our loop, the loop that tutorials write, and libraries that are installed.  All train the same network."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from aigc.bench.workloads import Workload
from aigc.data.batches import Batch
from aigc.data.load import Dataset
from aigc.knobs import as_values, knobs
from aigc.nets.conv import Corner
from aigc.nets.layers import ConvTranspose2x2, Dropout
from aigc.options import Options
from aigc.registry import build
from aigc.techniques import technique
from aigc.techniques.base import Technique, parameters_of
from aigc.train.compiling import compile_now, compiler_here
from aigc.train.loop import Loop

NOT_COMPILED = "aigc, not compiled"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Stretch:
    """What was trained in one turn."""

    images: int
    wall: float  # seconds
    cpu: float  # seconds of this process, all threads together


class Contender(Protocol):
    name: str

    def go(self, seconds: float) -> Stretch:
        """Train for about so long."""
        ...


def contenders(workload: Workload, data: Dataset, device: torch.device = CPU) -> list[Contender]:
    """Ours first, as a run of five minutes or more has it, then the usual loop, then every library that is installed and has this network."""
    compiling = "compiling" in knobs(technique(workload.technique).Config) and compiler_here(device)
    racing: list[Contender] = [Ours(workload, data, device, compiling=compiling)]
    if compiling:
        racing.append(Ours(workload, data, device, name=NOT_COMPILED))
    if device.type == "cuda":
        racing.append(Ours(workload, data, device, name="aigc, not recorded", recorded=False))
    racing.append(Usual(workload, data, device))
    if workload.name == "vae" and device.type == "cpu" and importlib.util.find_spec("pythae"):
        racing.append(Pythae(workload, data))
    return racing


def made(workload: Workload, data: Dataset, device: torch.device = CPU) -> tuple[Technique, Options]:
    info = technique(workload.technique)
    config, options = info.read({**workload.values, "seconds": 0, "images": 10**9}, data.spec, workload.preset)
    torch.manual_seed(0)
    return build(info.slug, as_values(config), data.spec).to(device), options


def timed(step: Any, seconds: float, device: torch.device) -> Stretch:
    """`step()` -> images, again and again until the time is up."""
    wait_for(device)
    images, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        images += step()
    wait_for(device)
    return Stretch(images, time.perf_counter() - wall, time.process_time() - cpu)


def wait_for(device: torch.device) -> None:
    """Until it has done what it was told."""
    {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device.type, lambda: None)()


def stepped(loop: Loop) -> int:
    """One step with whatever it reports.  -> images drawn"""
    before = loop.images
    loop.step()
    for _ in loop.report():
        pass
    return loop.images - before


class Ours:
    """The loop of this project as a run without previews has it: averaging, reports and all."""

    name = "aigc"

    def __init__(
        self, workload: Workload, data: Dataset, device: torch.device = CPU, *, name: str = name, compiling: bool = False, recorded: bool = True
    ):
        self.name = name
        model, options = made(workload, data, device)
        self.loop = Loop(model, data, options, watch=False, recorded=recorded)
        if compiling:
            compile_now(self.loop)

    def step(self) -> int:
        return stepped(self.loop)

    def go(self, seconds: float) -> Stretch:
        return timed(self.step, seconds, self.loop.device)


class Pictures(TorchDataset[tuple[Tensor, Tensor]]):
    """An example at a time through PIL, as torchvision's MNIST with ToTensor gives it."""

    def __init__(self, data: Dataset):
        self.x, self.labels = data.x[:, 0], data.labels if data.labels is not None else torch.zeros(len(data), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = Image.fromarray(self.x[index].numpy(), mode="L")
        raw = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 1)
        return raw.permute(2, 0, 1).contiguous().float().div(255), self.labels[index]


class Usual:
    """The loop of most tutorials around the same networks and losses: a DataLoader of single examples, Adam as it comes, `.item()` every step."""

    name = "usual loop"

    def __init__(self, workload: Workload, data: Dataset, device: torch.device = CPU):
        self.model, self.options = made(workload, data, device)
        self.device = device
        plainly(self.model)
        self.batches = self._batches(DataLoader(Pictures(data), self.options.batch, shuffle=True, drop_last=True))
        self.phases = self.model.phases()
        self.adam = {name: self._adam(name) for name, phase in self.phases.items() if not phase.optimiser}
        self.rng, self.steps, self.batch = torch.Generator(device).manual_seed(0), 0, next(self.batches)
        self.total = 0.0

    def _adam(self, name: str) -> Adam:
        phase = self.phases[name]
        return Adam(parameters_of(phase.modules), lr=self.options.learning_rate, betas=phase.betas)

    def _batches(self, loader: DataLoader[Any]) -> Iterator[Batch]:
        for x, labels in cycle_anew(loader):
            yield Batch(x.to(self.device), labels.to(self.device))

    def step(self) -> int:
        images = 0
        for name, phase in self.phases.items():
            for _ in range(phase.repeats if self.steps % phase.every == 0 else 0):
                if phase.fresh:
                    self.batch = next(self.batches)
                    images += len(self.batch)
                loss = phase.loss(self.batch, self.rng)["loss"]
                adam = self.adam[phase.optimiser or name]
                adam.zero_grad()
                loss.backward()
                adam.step()
                if phase.after:
                    phase.after()
                self.total += loss.item()
        self.steps += 1
        return images

    def go(self, seconds: float) -> Stretch:
        return timed(self.step, seconds, self.device)


def plainly(network: nn.Module) -> None:
    """torch's own layers in place of the quicker ones of this project."""
    for module in list(network.modules()):
        if isinstance(module, Corner):
            module.height = module.width = None
        for name, child in module.named_children():
            if isinstance(child, Dropout):
                setattr(module, name, nn.Dropout(child.p))
            if isinstance(child, ConvTranspose2x2):
                plain = nn.ConvTranspose2d(child.in_channels, child.out_channels, 2, stride=2)
                plain.weight, plain.bias = child.weight, child.bias
                setattr(module, name, plain)


def cycle_anew(loader: DataLoader[Any]) -> Iterator[Any]:
    """Epoch after epoch, each shuffled anew."""
    for epoch in cycle([loader]):
        yield from epoch


class Pythae:
    """pythae's own trainer (Chadebec et al. 2022) around the same encoder and decoder; an epoch at a time, its start included."""

    name = "pythae"

    def __init__(self, workload: Workload, data: Dataset):
        from pythae.models import VAE, VAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder

        model, self.options = made(workload, data)
        config: Any = model.config
        trunk, out = mirrored(model)

        class Encoder(BaseEncoder):
            def __init__(self) -> None:
                BaseEncoder.__init__(self)
                self.trunk, self.latent_dim = trunk, config.latent

            def forward(self, x: Tensor) -> Any:
                mean, logvar = self.trunk(x).chunk(2, 1)
                return ModelOutput(embedding=mean, log_covariance=logvar)

        class Decoder(BaseDecoder):
            def __init__(self) -> None:
                BaseDecoder.__init__(self)
                self.out = out

            def forward(self, z: Tensor) -> Any:
                return ModelOutput(reconstruction=self.out(z).sigmoid())

        asked = VAEConfig(input_dim=(1, 28, 28), latent_dim=config.latent, reconstruction_loss="bce")
        self.model = VAE(asked, encoder=Encoder(), decoder=Decoder())
        self.x = data.x.float() / 255

    def go(self, seconds: float) -> Stretch:
        from pythae.data.datasets import BaseDataset
        from pythae.trainers import BaseTrainer, BaseTrainerConfig

        dataset = BaseDataset(self.x, torch.zeros(len(self.x)))
        images, wall, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - wall < seconds:
            with tempfile.TemporaryDirectory() as folder:
                config = BaseTrainerConfig(
                    output_dir=str(Path(folder)), num_epochs=1, per_device_train_batch_size=self.options.batch,
                    learning_rate=self.options.learning_rate, no_cuda=True,
                )  # fmt: skip
                BaseTrainer(self.model, dataset, training_config=config).train()
            images += len(self.x)
        return Stretch(images, time.perf_counter() - wall, time.process_time() - cpu)


def mirrored(model: Any) -> tuple[nn.Module, nn.Module]:
    """The networks of a VAE that is told no classes: pictures to 2 Z numbers, and Z numbers to logits."""

    class Trunk(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = model.encoder

        def forward(self, x: Tensor) -> Tensor:
            return self.encoder(x, None)

    return Trunk(), model.decoder
