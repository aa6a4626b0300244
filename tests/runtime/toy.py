"""A small algorithm that the trainer can carry: two phases, full-data work, randomness in every part."""

import functools

import jax
import jax.numpy as jnp

from jaxcluster.protocol import Algorithm, Outputs, Phase


@functools.cache  # an algorithm that is built once is compiled once
def algorithm(n, *, epochs=(3, 4), batch_size=8, fault_at=None, done_at=None, nan_at=None):
    """First phase: a mean by noisy gradient steps; second: the same from where the first ended, plus labels."""

    def step(state, batch, key, *, axis_name=None):
        noise = jax.vmap(lambda p: jax.random.normal(jax.random.fold_in(key, p)))(batch.position)
        pull = batch.images[:, 0] + 0.1 * noise - state["x"]
        count = jnp.sum(batch.valid.astype(pull.dtype))
        total = jnp.sum(jnp.where(batch.valid, pull, 0))
        if axis_name is not None:
            count, total = jax.lax.psum((count, total), axis_name)
        x = state["x"] + 0.3 * total / jnp.maximum(count, 1)
        if nan_at is not None:
            x = jnp.where(state["steps"] >= nan_at, jnp.nan, x)
        seen = state["seen"].at[batch.index].add(batch.valid.astype(jnp.int32))
        return {**state, "x": x, "seen": seen, "steps": state["steps"] + 1}, {"loss": (total**2, count)}

    def first(x):
        return {
            "x": x,
            "seen": jnp.zeros(n, jnp.int32),
            "steps": jnp.int32(0),
            "labels": jnp.zeros(n, jnp.int32),
        }

    def update(state, rows, epoch):
        labels = (rows["embedding"][:, 0] > 0).astype(jnp.int32)
        change = jnp.mean((labels != state["labels"]).astype(jnp.float32))
        return {**state, "labels": labels}, {"change": change, "at": epoch + 0.0}

    def phase(name, epochs, begin, **more):
        return Phase(
            name=name,
            epochs=epochs,
            batch_size=batch_size,
            begin=begin,
            step=step,
            model=lambda state: {"x": state["x"]},
            observe=lambda model, images, key, index: {"embedding": images - model["x"]},
            template=lambda: jax.eval_shape(first, jax.ShapeDtypeStruct((), jnp.zeros(()).dtype)),
            **more,
        )

    return Algorithm(
        name="toy",
        phases=(
            phase("one", epochs[0], lambda model, rows, images, key, poll: first(jax.random.normal(key))),
            phase(
                "two",
                epochs[1],
                lambda model, rows, images, key, poll: first(jnp.asarray(model["x"])),
                update=update,
                labels=lambda state: state["labels"],
                fault=lambda info: "it broke" if info["at"] == fault_at else "",
                done=lambda info: "it is enough" if info["at"] == done_at else "",
            ),
        ),
        outputs=lambda model, rows: Outputs(
            (rows["embedding"][:, 0] > 0).astype(jnp.int32),
            jnp.ones(n),
            rows["embedding"],
            jnp.asarray([[0.0]]) + model["x"],
        ),
        start_phase="two",
        start_outputs=None,
    )
