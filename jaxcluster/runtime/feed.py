"""Where the data set lies: on every device if it fits, else on the host, from where it is sent ahead in windows.

Both give a step the same images, so that the choice changes no result.
"""

from collections.abc import Sequence

import jax
import numpy as np

from jaxcluster.runtime import devices, epochs

__all__ = ["PLACES", "Epoch", "Feed", "choose_images_on"]

PLACES = ("auto", "device", "host")
FITS = 0.5  # share of a device's memory that the data may take
WINDOW_BYTES = 64 * 2**20  # sent at a time when the data lie on the host


def choose_images_on(place: str, nbytes: int, device_list: Sequence[jax.Device]) -> str:
    """Decide where the data lie.

    Args:
        place: one of PLACES; "auto" is "device" if the data take no more than half of a device's memory.
        nbytes: size of the data.
        device_list: those that train; a CPU's memory is the host's, so there the data always fit.

    Raises:
        ValueError: no such place.
    """
    if place not in PLACES:
        raise ValueError(f"must be one of {', '.join(PLACES)}, got {place!r}")
    if place != "auto":
        return place
    local = [device for device in device_list if device.process_index == jax.process_index()]
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in local]
    known = [limit for limit in limits if limit]
    return "host" if known and nbytes > FITS * min(known) else "device"


class Feed:
    """The images of a run, and the devices that see them.

    Args:
        images: [n, ...], in the type they are stored in.
        device_list: of all processes.
        place: "device" or "host".
    """

    def __init__(self, images: np.ndarray, device_list: Sequence[jax.Device], place: str = "device"):
        self.images, self.devices, self.resident = images, list(device_list), place == "device"
        if self.resident:
            self.images = devices.replicate(images, device_list)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def kind(self) -> type[devices.Sharded] | None:
        """What `devices.bind` must know of images from here."""
        return None if self.resident else devices.Sharded

    def whole(self) -> jax.Array | np.ndarray:
        """All images, for work on the whole set: on the first device, or on the host."""
        return devices.on_first(self.images)

    def rows(self, start: int, size: int) -> jax.Array:
        """Images from `start` on for `epochs.make_observe`, `size` on each device."""
        if self.resident:
            return self.images
        place = start + np.arange(len(self.devices) * size).reshape(len(self.devices), size)
        return self._send(np.minimum(place, len(self) - 1))

    def _send(self, index: np.ndarray) -> jax.Array:
        """Send images[index[i]] to device i; what other processes' devices need is not even read."""
        shape = (*index.shape, *self.images.shape[1:])
        return devices.spread(shape, lambda part: self.images[index[part[: index.ndim]]], self.devices)


class Epoch:
    """The images of one epoch's steps, in its order.

    Args:
        feed: where they come from.
        key: the epoch's, which decides the order.
        batch_size: global.
    """

    def __init__(self, feed: Feed, key: jax.Array, batch_size: int):
        self._feed, self._batch_size = feed, batch_size
        self._sent: dict[int, jax.Array] = {}
        if not feed.resident:
            self._order = np.asarray(epochs.order(key, len(feed)))
            batch_bytes = batch_size * feed.images[:1].nbytes
            self._steps = max(1, min(WINDOW_BYTES // batch_bytes, epochs.steps_per_epoch(len(feed), batch_size)))

    def at(self, step: int) -> tuple[jax.Array, int, int]:
        """Images for the steps from `step` on.

        Returns:
            (images, first, last): what `epochs.make_run` takes, the step they begin with, and the one they end before.
        """
        if self._feed.resident:
            return self._feed.images, 0, epochs.steps_per_epoch(len(self._feed), self._batch_size)
        number = step // self._steps
        if number not in self._sent:
            self._sent[number] = self._window(number)
        return self._sent[number], number * self._steps, (number + 1) * self._steps

    def prepare(self, step: int) -> None:
        """Send the window that begins at `step` or after it, while the devices are busy with the steps before."""
        if self._feed.resident:
            return
        current = step // self._steps
        ahead = -(-step // self._steps)
        self._sent = {number: window for number, window in self._sent.items() if number >= current}
        if ahead not in self._sent and ahead * self._steps * self._batch_size < len(self._feed):
            self._sent[ahead] = self._window(ahead)

    def _window(self, number: int) -> jax.Array:
        rows = epochs.share(self._batch_size, len(self._feed.devices))
        steps = (number * self._steps + np.arange(self._steps)) * self._batch_size
        position = np.arange(len(self._feed.devices) * rows).reshape(-1, 1, rows)
        place = np.minimum(steps[:, None] + position, len(self._feed) - 1)
        return self._feed._send(self._order[place])
