"""The one recipe by which all six networks are trained, and its description for the files' metadata."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything about the training that is not the network, the data or the seed."""

    steps: int = 3200  # optimizer steps, the same number for each network
    batch: int = 128
    learning_rate: float = 4e-3  # after the warm-up; a cosine takes it to 0 at the last step
    warmup: float = 0.02  # the share of the steps in which the rate rises linearly to its peak
    # AdamW's decoupled decay of the convolutions' kernels: each step takes rate * decay of a weight, all steps together
    # leave e^(-steps * rate * decay / 2) of what the gradient does not renew.
    decay: float = 0.5
    # An L2 loss term for the dense layers' kernels. A weight that no training image excites (those of corner pixels)
    # has it as its only gradient, and Adam, which normalises gradients, walks that weight to zero.
    penalty: float = 1e-5
    # The random start of the convolution that sees the image, as a part of Glorot's: small beside what is learned, so
    # that a kernel grows where the gradient leads and not around its start. Later convolutions start at Glorot's
    # scale: two small starts in a row pass too little to begin with.
    start: float = 0.1
    bias: float = 0.1  # start of the convolutions' biases: positive, so that every filter answers at first
    # Behind each training image lies a uniform light of random colour, up to this strength, and over all of it
    # normal noise of a random strength up to the other. Neither touches a channel that is dark in the whole data set,
    # nor the images on which accuracy is measured.
    light: float = 0.3
    noise: float = 0.1

    def text(self):
        """The recipe in one line."""
        return ", ".join(f"{name} {value:g}" for name, value in asdict(self).items())


RECIPE = Recipe()
