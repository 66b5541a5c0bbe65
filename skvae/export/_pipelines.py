"""Estimators of skvae among the steps that skl2onnx converts."""

from sklearn.base import is_classifier

from skvae.discovery import all_estimators
from skvae.export._conversion import OPSET, needing_extra, onnx_of
from skvae.export._program import METHODS, N_SAMPLES, OUTPUTS, Answer


def register_converters():
    """Let skl2onnx convert pipelines that contain estimators of skvae.

    `to_onnx` of a pipeline does so itself. Call it before ``skl2onnx.to_onnx``, whose
    ``options={id(estimator): {"method": "score", "n_samples": 64}}`` are the arguments
    of `to_onnx`.

    Raises
    ------
    ImportError
        If skl2onnx is missing.

    Examples
    --------
    >>> from skvae.export import register_converters
    >>> register_converters()  # doctest: +SKIP
    >>> skl2onnx.to_onnx(pipeline, X[:1].astype("float32"))  # doctest: +SKIP
    """
    with needing_extra("register_converters"):
        from skl2onnx import update_registered_converter
    for name, cls in all_estimators():
        update_registered_converter(
            cls,
            f"Skvae{name}",
            _set_shapes,
            _convert,
            options={"method": list(METHODS), "n_samples": None},
        )


def pipeline_to_onnx(pipeline, model, method, n_samples):
    """Convert a fitted pipeline, of which `model` is a step, see `to_onnx`."""
    with needing_extra("to_onnx of a pipeline"):
        import skl2onnx
        from skl2onnx.common.data_types import DoubleTensorType
    register_converters()
    options = {id(model): {"method": method, "n_samples": n_samples}}
    if is_classifier(pipeline):
        options[id(pipeline[-1])] = {"zipmap": False}  # an array of probabilities
    return skl2onnx.to_onnx(
        pipeline,
        initial_types=[("X", DoubleTensorType([None, pipeline.n_features_in_]))],
        options=options,
        target_opset={"": skl2onnx.__max_supported_opset__, "ai.onnx.ml": 3},
    )


def _type_of(operator):
    """Return the type of tensors that a step returns, that of its input if floats."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    given = operator.inputs[0].type
    return FloatTensorType if isinstance(given, FloatTensorType) else DoubleTensorType


def _set_shapes(operator):
    """Set the type of a step's output; skl2onnx calls it."""
    operator.outputs[0].type = _type_of(operator)([None, None])


def _convert(scope, operator, container):
    """Add the nodes of a step to a graph; skl2onnx calls it."""
    from onnx import TensorProto

    model = operator.raw_operator
    options = container.get_options(model, {"method": "transform", "n_samples": None})
    method, n_samples = options["method"], options["n_samples"] or N_SAMPLES
    answer = Answer(model, method, n_samples)
    if len(answer.inputs()) > 1:
        raise ValueError(
            f"{type(model).__name__} was fitted to conditions beside X, which a "
            "pipeline of skl2onnx cannot pass: name columns of X by "
            "'condition_columns'."
        )
    graph = onnx_of(answer, [OUTPUTS[method]]).graph
    unique = scope.get_unique_variable_name
    wide, result = unique("wide"), unique("result")
    _cast(scope, container, operator.inputs[0].full_name, wide, TensorProto.DOUBLE)
    names = {graph.input[0].name: wide, graph.output[0].name: result}
    _add(graph, names, scope, container)
    is_double = _type_of(operator).__name__.startswith("Double")
    kind = TensorProto.DOUBLE if is_double else TensorProto.FLOAT
    _cast(scope, container, result, operator.outputs[0].full_name, kind)


def _cast(scope, container, given, result, kind):
    name = scope.get_unique_operator_name("Cast")
    container.add_node("Cast", [given], [result], op_version=13, name=name, to=kind)


def _add(graph, names, scope, container):
    """Add initializers and nodes of a graph, under new names."""
    from onnx import NodeProto, numpy_helper

    def renamed(old):
        if old and old not in names:  # an input that is left out is ""
            names[old] = scope.get_unique_variable_name(old)
        return names.get(old, "")

    for tensor in graph.initializer:
        content = numpy_helper.from_array(numpy_helper.to_array(tensor))
        name = renamed(tensor.name)
        container.add_initializer(name, tensor.data_type, list(tensor.dims), content)
    for node in graph.node:
        new = NodeProto()
        new.CopyFrom(node)
        new.input[:] = [renamed(name) for name in node.input]
        new.output[:] = [renamed(name) for name in node.output]
        new.name = scope.get_unique_operator_name(node.op_type)
        container.nodes.append(new)
    container.node_domain_version_pair_sets.add(("", OPSET))
