"""One form of docstring: every public name has one, and those of the mathematics name all their arguments."""

import importlib
import inspect
import pkgutil

import pytest

import jaxcluster

# What people import and call as functions.
ROOMS = ("spl", "losses", "clusterers", "metrics", "hashing", "networks", "augment")
MODULES = [
    found.name for found in pkgutil.walk_packages(jaxcluster.__path__, "jaxcluster.") if "__main__" not in found.name
]


def public(module):
    for name in getattr(module, "__all__", ()):
        member = getattr(module, name)
        if inspect.isfunction(member) or inspect.isclass(member):
            yield name, member


def test_every_public_name_says_what_it_is():
    silent = []
    for name in ["jaxcluster", *MODULES]:
        module = importlib.import_module(name)
        members = [("the module", module), *public(module)]
        for class_name, member in list(members):
            if inspect.isclass(member) and member.__module__.startswith("jaxcluster"):
                methods = inspect.getmembers(member, inspect.isfunction)
                members += [(f"{class_name}.{m}", f) for m, f in methods if not m.startswith("_")]
        silent += [f"{name}: {member_name}" for member_name, member in members if not inspect.getdoc(member)]
    assert not silent


@pytest.mark.parametrize("room", ROOMS)
def test_functions_of_the_mathematics_document_all_arguments_and_what_they_return(room):
    lacking = []
    for name, function in public(importlib.import_module(f"jaxcluster.{room}")):
        names = list(inspect.signature(function).parameters) if inspect.isfunction(function) else []
        text = inspect.getdoc(function)
        listed = text.partition("Args:")[2]
        missing = [argument for argument in names if not any(f"{argument}{end}" in listed for end in (":", ",", " "))]
        if missing:
            lacking.append(f"{name} does not list {missing}")
        if names and "Returns:" not in text:
            lacking.append(f"{name} does not say what it returns")
    assert not lacking
