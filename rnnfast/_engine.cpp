// rnnfast._engine: objects of the core with a life of their own. Checks, releases the GIL, calls; no arithmetic.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "_engine_activation.h"
#include "_engine_arrays.h"
#include "_engine_run.h"
#include "_engine_stages.h"
#include "_engine_stream.h"
#include "_engine_threads.h"
#include "engine/cpu.h"
#include "engine/matmul_precision.h"
#include "program/program.h"
#include "rnnfast.h"

namespace py = pybind11;
using namespace rnnfast;

namespace {

CellKind cell_of(const std::string& name) {
  if (name == "simple_rnn") return CellKind::simple_rnn;
  if (name == "lstm") return CellKind::lstm;
  if (name == "gru") return CellKind::gru;
  throw py::value_error("cell must be 'simple_rnn', 'lstm' or 'gru', got '" + name + "'");
}

constexpr std::pair<WeightType, const char*> kWeightTypes[] = {
    {WeightType::full, "full"}, {WeightType::bf16, "bfloat16"}, {WeightType::int8, "int8"},
    {WeightType::bf16x2, "bfloat16x2"}, {WeightType::bf16x3, "bfloat16x3"}};

WeightType weight_type_of(const std::string& name) {
  for (const auto& [type, known] : kWeightTypes)
    if (name == known) return type;
  throw py::value_error("weights must be 'full', 'bfloat16', 'int8', 'bfloat16x2' or 'bfloat16x3', got '" + name + "'");
}

MatmulPrecision precision_of(int place) {
  if (place < 0 || place > 2) throw py::value_error("place must be 0, 1 or 2, got " + std::to_string(place));
  return static_cast<MatmulPrecision>(place);
}

MergeMode mode_of(const std::string& name) {
  if (name == "concat") return MergeMode::concat;
  if (name == "sum") return MergeMode::sum;
  if (name == "sub") return MergeMode::sub;
  if (name == "mul") return MergeMode::mul;
  if (name == "ave") return MergeMode::ave;
  if (name == "max") return MergeMode::max;
  if (name == "min") return MergeMode::min;
  throw py::value_error("mode must be 'concat', 'sum', 'sub', 'mul', 'ave', 'max' or 'min', got '" + name + "'");
}

py::dict cpu_info_dict() {
  const CpuInfo& cpu = cpu_info();
  std::vector<std::string> available;
  for (const KernelTable* table : available_tables()) available.emplace_back(table->isa);
  py::dict caches;
  caches["L1d"] = cpu.l1d;
  caches["L2"] = cpu.l2;
  caches["L3"] = cpu.l3;
  py::dict info;
  info["vendor"] = cpu.vendor;
  info["brand"] = cpu.brand;
  info["features"] = cpu.features;
  info["available"] = available;
  info["isa"] = active_table().isa;
  info["isa_forced"] = table_forced();
  info["cores"] = cpu.cores;
  info["caches"] = caches;
  info["threads"] = get_num_threads();
  return info;
}

// Programs

// The weights of layer normalisation, given by name, or none.
template <class T> struct NormArrays {
  NormArrays(const py::object& given, CellKind cell, py::ssize_t gates, py::ssize_t units) {
    if (given.is_none()) return;
    if (cell == CellKind::simple_rnn) throw py::value_error("layer_norm is for the lstm and gru cells only");
    if (!py::isinstance<py::dict>(given)) throw py::type_error("layer_norm: expected a dictionary of weights");
    const auto of = [&](int i, const char* name, py::ssize_t size) {
      if (!given.contains(name)) throw py::value_error(std::string("layer_norm: expected a weight ") + name);
      kept[i] = weights<T>(given[name], name, {size});
      return kept[i].data();
    };
    pointers.kernel_gamma = of(0, "kernel_gamma", gates);
    pointers.recurrent_gamma = of(1, "recurrent_gamma", gates);
    if (cell != CellKind::lstm) return;
    pointers.cell_gamma = of(2, "cell_gamma", units);
    pointers.cell_beta = of(3, "cell_beta", units);
  }
  Array<T> kept[4];
  RnnNorm<const void*> pointers{};
};

// One output, or with return_state a list of it and the states.
template <class T>
py::object add_rnn(Program<T>& program, int v, const std::string& cell, const py::object& kernel,
                   const py::object& recurrent_kernel, const py::object& bias, const py::object& peephole,
                   const py::object& activation, const py::object& recurrent_activation, bool reset_after,
                   bool go_backwards, bool return_sequences, bool zero_output_for_mask, const std::string& name,
                   const py::object& projection, const std::vector<double>& zoneout,
                   const std::vector<int>& initial_state, bool return_state, const py::object& layer_norm,
                   double layer_norm_epsilon, bool heed_mask) {
  RnnLayer layer{};
  layer.spec.cell = cell_of(cell);
  layer.spec.reset_after = reset_after;
  layer.spec.activation = activation_of(activation);
  layer.spec.recurrent_activation = activation_of(recurrent_activation);
  const Array<T> u = weights<T>(recurrent_kernel, "recurrent_kernel", {-1, -1});
  Array<T> keep_bias, keep_peephole, keep_projection;
  const T* r = optional_weights<T>(projection, "projection", {-1, u.shape(0)}, keep_projection);
  if (r != nullptr && layer.spec.cell != CellKind::lstm)
    throw py::value_error("a projection is for the lstm cell only");
  const py::ssize_t units = r != nullptr ? keep_projection.shape(0) : u.shape(0);
  const py::ssize_t gates = gate_count(layer.spec.cell) * units;
  if (u.shape(1) != gates || units < 1)
    throw py::value_error("recurrent_kernel: expected shape (" + std::string(r != nullptr ? "state" : "units") + ", " +
                          std::to_string(gate_count(layer.spec.cell)) + " * units), got " + shape_text(u));
  const Array<T> w = weights<T>(kernel, "kernel", {-1, gates});
  layer.spec.units = units;
  layer.spec.input_dim = w.shape(0);
  if (r != nullptr) layer.spec.projection = u.shape(0);
  const bool two_biases = layer.spec.cell == CellKind::gru && reset_after;
  using Shape = std::vector<py::ssize_t>;
  layer.weights = {w.data(), u.data(),
                   optional_weights<T>(bias, "bias", two_biases ? Shape{2, gates} : Shape{gates}, keep_bias),
                   optional_weights<T>(peephole, "peephole", {3, units}, keep_peephole), r};
  if (layer.weights.peephole != nullptr && layer.spec.cell != CellKind::lstm)
    throw py::value_error("peephole weights are for the lstm cell only");
  const NormArrays<T> norm(layer_norm, layer.spec.cell, gates, units);
  if (!layer_norm.is_none()) {
    if (!(layer_norm_epsilon > 0 && layer_norm_epsilon < std::numeric_limits<double>::infinity()))
      throw py::value_error("layer_norm_epsilon: expected a positive number, got " +
                            std::to_string(layer_norm_epsilon));
    layer.spec.norm_epsilon = layer_norm_epsilon;
    layer.weights.norm = norm.pointers;
  }
  layer.go_backwards = go_backwards;
  layer.return_sequences = return_sequences;
  layer.zero_output_for_mask = zero_output_for_mask;
  const size_t states = layer.spec.cell == CellKind::lstm ? 2 : 1;
  const bool rates = std::all_of(zoneout.begin(), zoneout.end(), [](double rate) { return rate >= 0 && rate <= 1; });
  const bool takes_zoneout = layer.spec.cell != CellKind::simple_rnn && r == nullptr;
  if (!zoneout.empty() && (zoneout.size() != states || !rates || !takes_zoneout))
    throw py::value_error("zoneout: expected a rate from 0 to 1 for each state of an lstm or gru without a projection");
  if (!zoneout.empty()) layer.h_zoneout = zoneout[0];
  if (zoneout.size() > 1) layer.c_zoneout = zoneout[1];
  layer.initial_state = initial_state;
  layer.return_state = return_state;
  layer.heed_mask = heed_mask;
  const std::vector<int> outputs = program.rnn(v, layer, name);
  return return_state ? py::cast(outputs) : py::cast(outputs[0]);
}

template <class T> py::list describe(const Program<T>& program, int threads) {
  py::list rows;
  for (const NodeInfo& node : program.describe(thread_budget(threads))) {
    py::dict row;
    row["layer"] = node.name;
    row["op"] = node.op;
    row["kernel"] = node.kernel;
    row["why"] = node.reason;
    row["layout"] = node.layout;
    row["sharing"] = node.sharing;
    row["weight_bytes"] = node.weight_bytes;
    rows.append(row);
  }
  return rows;
}

// The module

template <class T> void bind(py::module_& m, const char* program_name, const char* stream_name) {
  using P = Program<T>;
  const py::object none = py::none();
  py::class_<P, std::shared_ptr<P>> program(m, program_name,
                                            "An inference graph: built by its methods, run after finish().");
  bind_stages<T>(program);
  program
      .def(py::init([](const std::optional<std::string>& isa, const std::string& weights) {
             const WeightType type = weight_type_of(weights);
             if (type != WeightType::full && !std::is_same<T, float>::value)
               throw py::value_error("weights '" + weights + "' are for float32 programs");
             const KernelTable* const table = isa ? find_table(*isa) : &active_table();
             if (table == nullptr) throw py::value_error("instruction set '" + *isa + "' is not available");
             if (table->products<T>(type) == nullptr)
               throw py::value_error("weights '" + weights + "': expected an instruction set that has products of " +
                                     "them (amx), got '" + table->isa + "'");
             return std::make_shared<P>(*table, type);
           }),
           py::arg("isa") = none, py::arg("weights") = "full")
      .def(
          "input",
          [](P& p, const std::vector<std::optional<int64_t>>& shape, const std::string&, const std::string& name) {
            std::vector<int64_t> sizes;
            for (const auto& n : shape) sizes.push_back(n.value_or(-1));
            return p.input(sizes, name);
          },
          py::arg("shape"), py::arg("dtype") = "float32", py::arg("name") = "input")
      .def(
          "embedding",
          [](P& p, int v, const py::object& table, bool mask_zero, const std::string& name) {
            const Array<T> rows = weights<T>(table, "table", {-1, -1});
            return p.embedding(v, rows.data(), rows.shape(0), rows.shape(1), mask_zero, name);
          },
          py::arg("v"), py::arg("table"), py::arg("mask_zero") = false, py::arg("name") = "embedding")
      .def("masking", &P::masking, py::arg("v"), py::arg("mask_value") = 0.0, py::arg("name") = "masking")
      .def("rnn", &add_rnn<T>, py::arg("v"), py::arg("cell"), py::arg("kernel"), py::arg("recurrent_kernel"),
           py::arg("bias") = none, py::arg("peephole") = none, py::arg("activation") = none,
           py::arg("recurrent_activation") = none, py::arg("reset_after") = true, py::arg("go_backwards") = false,
           py::arg("return_sequences") = false, py::arg("zero_output_for_mask") = false, py::arg("name") = "rnn",
           py::arg("projection") = none, py::arg("zoneout") = py::tuple(), py::arg("initial_state") = py::tuple(),
           py::arg("return_state") = false, py::arg("layer_norm") = none, py::arg("layer_norm_epsilon") = 1e-3,
           py::arg("heed_mask") = false)
      .def(
          "merge",
          [](P& p, const std::vector<int>& values, const std::string& mode, const std::string& name, bool heed_masks) {
            return p.merge(values, mode_of(mode), heed_masks, name);
          },
          py::arg("values"), py::arg("mode") = "concat", py::arg("name") = "merge", py::arg("heed_masks") = false)
      .def("concat", &P::concat, py::arg("values"), py::arg("axis"), py::arg("name") = "concat")
      .def(
          "masked",
          [](const P& p, int v) {
            const std::vector<Value>& values = p.graph().values;
            return v >= 0 && static_cast<size_t>(v) < values.size() && values[static_cast<size_t>(v)].mask >= 0;
          },
          py::arg("v"))
      .def("reverse", &P::reverse, py::arg("v"), py::arg("name") = "reverse")
      .def(
          "dense",
          [](P& p, int v, const py::object& kernel, const py::object& bias, const py::object& activation,
             const std::string& name) {
            const Array<T> w = weights<T>(kernel, "kernel", {-1, -1});
            Array<T> keep;
            const T* b = optional_weights<T>(bias, "bias", {w.shape(1)}, keep);
            return p.dense(v, w.shape(0), w.shape(1), w.data(), b, activation_of(activation), name);
          },
          py::arg("v"), py::arg("kernel"), py::arg("bias") = none, py::arg("activation") = none,
          py::arg("name") = "dense")
      .def(
          "activation",
          [](P& p, int v, const py::object& activation, const std::string& name) {
            return p.activation(v, activation_of(activation), name);
          },
          py::arg("v"), py::arg("activation"), py::arg("name") = "activation")
      .def("flatten", &P::flatten, py::arg("v"), py::arg("name") = "flatten")
      .def("repeat", &P::repeat, py::arg("v"), py::arg("n"), py::arg("name") = "repeat")
      .def("time_distributed_begin", &P::time_distributed_begin, py::arg("v"), py::arg("name") = "time_distributed")
      .def("time_distributed_end", &P::time_distributed_end, py::arg("v"), py::arg("name") = "time_distributed")
      .def("finish", &P::finish, py::arg("outputs"))
      .def("run", &run_program<T>, py::arg("inputs"), py::arg("threads") = 0)
      .def("run_function", &run_function<T>, py::arg("threads") = 0)
      .def("describe", &describe<T>, py::arg("threads") = 0)
      .def_property_readonly("node_count", &P::node_count)
      .def_property_readonly("isa", [](const P& p) { return p.table().isa; })
      .def_property_readonly("instructions", &P::instructions)
      .def("stream", [](const std::shared_ptr<P>& p, int64_t rows) { return std::make_shared<Stream<T>>(p, rows); },
           py::arg("batch_size") = 1);

  using S = Stream<T>;
  py::class_<S, std::shared_ptr<S>>(m, stream_name, "A program run step by step.")
      .def("step_function", &step_function<T>, py::arg("threads") = 0)
      .def("reset",
           [](S& stream) {
             const GilRelease release;
             const std::lock_guard<ForkAwareMutex> hold(stream.lock());
             stream.reset();
           })
      .def_property("state", &stream_state<T>, &set_stream_state<T>)
      .def_property_readonly("batch_size", &S::rows);
}

}  // namespace

PYBIND11_MODULE(_engine, m, py::mod_gil_not_used()) {
  m.doc() = "The core: inference programs, streams, CPU features, threads.";
  active_table();     // a wrong RNNFAST_ISA is an error of the import
  get_num_threads();  // notes how many threads OpenMP starts with
  bind<float>(m, "Program32", "Stream32");
  bind<double>(m, "Program64", "Stream64");
  m.def("cpu_info", &cpu_info_dict, "The processor, its instruction sets, caches, and what is in use.");
  m.def(
      "set_num_threads", [](const py::object& n) { set_num_threads(checked_threads(n, "set_num_threads: n")); },
      py::arg("n"), "Set the threads that every call may use; None goes back to the default.");
  m.def("check_threads", &checked_threads, py::arg("n"), py::arg("what"),
        "n as a number of threads, 0 for None; ValueError, naming `what`, if it is none.");
  m.def(
      "fast_formats",
      [] {
        std::vector<std::string> names;
        for (const auto& [type, name] : kWeightTypes) {
          const Products<float>* products = active_table().products<float>(type);
          if (products != nullptr && std::string(products->instructions) != active_table().f32.full.instructions)
            names.emplace_back(name);
        }
        return names;
      },
      "The weight formats for which the active instruction set has instructions of their own.");
  m.def(
      "set_matmul_precision",
      [](int place) { set_matmul_precision(precision_of(place)); }, py::arg("place"),
      "Set how exact float32 products are: the place in highest, high, medium.");
  m.def("get_matmul_precision", [] { return static_cast<int>(get_matmul_precision()); }, "What was set last, or 0.");
  m.def(
      "training_format",
      [](int place) {
        constexpr int64_t large = 1 << 20;
        const WeightType type = training_type<float>(active_table(), precision_of(place), large, large);
        for (const auto& [known, name] : kWeightTypes)
          if (known == type) return name;
        return kWeightTypes[0].second;
      },
      py::arg("place"), "The weight format of large float32 products in training at a precision.");
  m.def("active_isa", [] { return active_table().isa; }, "The instruction set in use.");
  m.def("get_num_threads", &get_num_threads, "The threads that a call made now may use.");
  m.attr("_C_API") = py::capsule(static_cast<const void*>(&api()), "rnnfast._engine._C_API");
}
