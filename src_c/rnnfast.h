// rnnfast: recurrent layers on CPUs. The public C++ API of the core.
//
// Conventions of every entry below
//   * Arrays are row-major and of one dtype per call (float32 or float64), passed as void* beside a Dtype.
//   * Canonical weights are Keras': kernel (input, G*units), recurrent_kernel (units, G*units), with the gates side by
//     side in the order  simple_rnn: h | lstm: i f g o | gru: z r h.
//   * "packed (rows, C)" is the packed order of a SequencePlan: all real steps, step by step (docs/architecture.md).
//   * The caller owns every pointer; nothing is kept after a call unless the entry says so. Outputs never alias inputs
//     unless the entry says so. Arguments are trusted (bindings check them). An entry that takes memory may throw
//     std::bad_alloc, and leaves its outputs undefined then.
//   * int64_t counts elements, never bytes.
#ifndef RNNFAST_H
#define RNNFAST_H

#include <cstdint>

namespace rnnfast {

enum class Dtype : int { float32 = 0, float64 = 1 };

// PyTorch's names for how exact products of float32 numbers are: in full precision; of numbers split into two bf16
// parts; of numbers rounded to bf16. The latter two where the machine is faster in them, else full precision.
enum class MatmulPrecision : int { highest = 0, high, medium };
enum class CellKind : int { simple_rnn = 0, lstm = 1, gru = 2 };

// Element-wise activations, Keras 3's definitions. alpha: leaky_relu negative_slope, elu and celu alpha, threshold of
// hard_shrink, soft_shrink and threshold, b of squareplus; beta: default_value of threshold. Others ignore them.
enum class ActivationId : int {
  linear = 0, tanh, sigmoid, hard_sigmoid, relu, softsign, softplus, elu, selu, gelu, silu, exponential, leaky_relu,
  relu6, hard_tanh, hard_silu, celu, mish, log_sigmoid, hard_shrink, soft_shrink, tanh_shrink, threshold, sparse_plus,
  sparse_sigmoid, squareplus,
  count,
  // over the last axis, for Dense and Activation only
  softmax = 100, log_softmax = 101,
};

struct Activation {
  ActivationId id;
  double alpha;
  double beta;
};

struct RnnSpec {
  CellKind cell;
  bool reset_after;  // GRU only
  Activation activation;
  Activation recurrent_activation;  // unused by simple_rnn
  int64_t input_dim;
  int64_t units;
  int64_t projection = 0;  // LSTM: the size of h where it is a projection of o * state(c); 0: there is none
  double norm_epsilon = 0;  // LSTM, GRU: of layer normalisation; 0: there is none
};

// The size of h: "state" below.
inline int64_t state_size(const RnnSpec& spec) { return spec.projection > 0 ? spec.projection : spec.units; }
inline int gate_count(CellKind cell) { return cell == CellKind::lstm ? 4 : cell == CellKind::gru ? 3 : 1; }

// Layer normalisation: what normalised values are multiplied with, and what is added to those of the cell state.
template <class Pointer> struct RnnNorm {
  Pointer kernel_gamma;                // (G*units), of x W
  Pointer recurrent_gamma;             // (G*units), of the recurrent products
  Pointer cell_gamma, cell_beta;       // LSTM: (units); else null
};

struct RnnWeights {
  const void* kernel;            // (input_dim, G*units)
  const void* recurrent_kernel;  // (state, G*units)
  const void* bias;              // (G*units), GRU reset_after: (2, G*units) input row then recurrent row; or null
  const void* peephole;          // LSTM: (3, units) for i, f, o; or null
  const void* projection = nullptr;  // LSTM: (units, state); or null
  RnnNorm<const void*> norm = {};    // with norm_epsilon; not together with RnnNoise's factors
};

// Rows that advance one step together. Offsets count rows of the buffer named.
struct Segment {
  int64_t row;    // first row of the (sorted) batch
  int64_t count;  // rows
  int64_t prev;   // state before, in the state history
  int64_t out;    // state after, in the state history
  int64_t z;      // pre-activations of this step, in packed order
};

class SequencePlan;

// What training does to a recurrent layer beside its formula. All null and zero: nothing.
struct RnnNoise {
  // Dropout: what each gate's product multiplies x or the state before with. Rows in the plan's sorted order.
  const void* x_factors;  // (G, batch, input_dim), or null
  const void* h_factors;  // (G, batch, state), or null
  // Zoneout, not with a projection: elements of h and c that stay what they were, packed (total, units) and
  // kZoneoutPadding bytes more, 1 = stays, 0 = moves on; null: each stays by the share of the rate.
  const uint8_t* h_kept;
  const uint8_t* c_kept;
  double h_zoneout, c_zoneout;
};
constexpr int64_t kZoneoutPadding = 64;

// A layer's forward pass that keeps what backward needs. Buffers of `rows` rows are in packed order.
struct RnnForward {
  Dtype dtype;
  const RnnSpec* spec;
  RnnWeights weights;
  const SequencePlan* plan;
  RnnNoise noise;
  const void* x;      // packed (total, input_dim); with `index`: (x_rows, input_dim), the rows that occur, each once
  void* h;            // (total + batch, state): caller writes the initial states to the last `batch` rows (sorted
                      // order); the states after each step are written to the first `total`
  void* c;            // LSTM: (total + batch, units), roles as h has them; else null
  void* z;            // (rnn_z_size): pre-activations, and what normalisation keeps, left as backward reads them
  void* extra;        // (total, units): GRU with reset_after=false: r*h; LSTM with a projection: o*state(c); else null
  int threads;
  const int32_t* index;  // (total): the row of x at each real step, not with noise.x_factors; or null
  int64_t x_rows;        // of x where there is an index
  MatmulPrecision precision = MatmulPrecision::highest;
};

struct RnnBackward {
  RnnForward forward;       // as it was given to forward; z is overwritten
  const void* dy;           // packed (total, state) gradient of every h; or null
  void* dh;                 // (batch, state), sorted order. in: gradient of the last h; out: of the initial h
  void* dc;                 // LSTM: (batch, units), likewise for c; else null
  void* dx;                 // of the shape of x, written; or null when not wanted
  void* dkernel;            // canonical shapes of RnnWeights, written
  void* drecurrent_kernel;
  void* dbias;              // or null
  void* dpeephole;          // or null
  void* dprojection;        // or null
  RnnNorm<void*> dnorm;     // with norm_epsilon
};

// C[m, n] = A * B (+ bias), then activation (element-wise only). Row-major with leading dimensions.
struct MatMul {
  Dtype dtype;
  bool transpose_a, transpose_b;  // A is (k, m) / B is (n, k) as stored
  int64_t m, n, k;
  const void* a; int64_t lda;
  const void* b; int64_t ldb;
  const void* bias;               // (n) or null
  void* c; int64_t ldc;           // written
  int threads;
  MatmulPrecision precision = MatmulPrecision::highest;
};

// Rules of optimizers; kernels/optimizers.h says which of the slots and numbers below each takes.
enum class Rule : int { sgd, rmsprop, adam, nadam, adamax, adagrad, adadelta, lion, count };

// One update of `size` elements in one pass. param and the slots are updated in place; before receives what param was,
// or is null. A slot that a rule can do without is null where it is not wanted.
struct OptimizerUpdate {
  Rule rule; Dtype dtype; int64_t size;
  void* param; void* before; const void* grad;
  // Null: grad is laid out as param is. Else param is a table (size / grad_width, grad_width) and grad
  // (grad_rows, grad_width) holds that of the rows grad_index, each of which stands there once; all others have none.
  const int64_t* grad_index; int64_t grad_rows, grad_width;
  void* slots[3];
  double learning_rate;
  double weight_decay;  // param is multiplied by 1 - learning_rate weight_decay first
  double momentum, rho, beta_1, beta_2, epsilon;
  double slot_share, grad_share;  // of Nadam's step
  int64_t step;                   // counts from 1
  bool nesterov;
};

// Connectionist temporal classification. Logits: (batch, time, classes), contiguous.
struct CtcLoss       { Dtype dtype; int64_t batch, time, classes, max_labels, blank;
                       const void* logits;
                       const uint8_t* mask;           // (batch, time), the steps that count; or null for all
                       const int64_t* labels;         // (batch, max_labels): the first label_lengths[b] of each row
                       const int64_t* label_lengths;  // (batch)
                       double* losses;                // (batch), written; infinite where the labels do not fit the time
                       void* gradient;                // of each loss, as logits, written; or null
                       int threads; };
struct CtcBeamSearch { Dtype dtype; int64_t batch, time, classes, blank, beam_width, top_paths;
                       const void* logits;
                       const int64_t* lengths;        // (batch): steps of each row
                       int32_t* paths;                // (top_paths, batch, time), written; -1 after the end
                       double* scores;                // (batch, top_paths), written: logarithms of probabilities
                       int threads; };

// The function table behind the capsule rnnfast._engine._C_API.
struct Api {
  // Plans. mask: (batch, time) bytes, non-zero = real, or null; lengths: (batch) real steps from the first on,
  // or null; at most one of the two.
  // reverse: steps run from the last real one to the first.
  SequencePlan* (*plan_create)(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths, bool reverse);
  void (*plan_free)(SequencePlan*);
  int64_t (*plan_total)(const SequencePlan*);
  bool (*plan_uniform)(const SequencePlan*);  // no masked step: packed order is (time, batch) with rows in place
  // (batch): sorted row -> batch row. Valid as long as the plan.
  const int64_t* (*plan_order)(const SequencePlan*);
  // (batch): rows of the state history (RnnForward::h) that hold each sorted row's final state.
  void (*plan_last)(const SequencePlan*, int64_t* rows);
  // packed[i, :] = x[b, t, :] for the real steps, x given by its strides; features contiguous.
  void (*plan_gather)(const SequencePlan*, Dtype, const void* x, int64_t batch_stride, int64_t time_stride,
                      int64_t features, void* packed, int threads);
  // The transpose: dx[b, t, :] = packed[i, :], zero at masked steps.
  void (*plan_scatter)(const SequencePlan*, Dtype, const void* packed, int64_t features, void* x, int64_t batch_stride,
                       int64_t time_stride, int threads);
  // Keras' outputs y (batch, time, units, by strides) from the packed states h (total, units): a masked step repeats
  // the previous output in processing order (zero before the first), or is zero with zero_output. Processing order runs
  // over y's time axis from 0 on, also for reverse plans.
  void (*plan_outputs)(const SequencePlan*, Dtype, const void* h, int64_t units, bool zero_output, void* y,
                       int64_t batch_stride, int64_t time_stride, int threads);
  // The transpose of plan_outputs: packed (total, units) from dy.
  void (*plan_outputs_backward)(const SequencePlan*, Dtype, const void* dy, int64_t batch_stride, int64_t time_stride,
                                int64_t units, bool zero_output, void* packed, int threads);

  // Elements of RnnForward::z for `total` real steps; x_rows: of x where there is an index, else 0.
  int64_t (*rnn_z_size)(Dtype, const RnnSpec*, int64_t total, int64_t x_rows);
  void (*rnn_forward)(const RnnForward*);
  void (*rnn_backward)(const RnnBackward*);

  void (*matmul)(const MatMul*);
  // y = act(x), x and y (rows, features) contiguous; y may be x. features matters for softmax and log_softmax only.
  void (*activation_forward)(Dtype, Activation, int64_t rows, int64_t features, const void* x, void* y, int threads);
  // dx = dy * act'(x); x is the pre-activation, y the output; dx may be dy.
  void (*activation_backward)(Dtype, Activation, int64_t rows, int64_t features, const void* x, const void* y,
                              const void* dy, void* dx, int threads);
  // sums[j] = sum of x[i, j] over i ascending.
  void (*column_sums)(Dtype, int64_t rows, int64_t cols, const void* x, void* sums);
  // dtable (vocabulary, dim) += rows of dy (count, dim), in order.
  void (*embedding_backward)(Dtype, int64_t count, int64_t dim, const int64_t* index, const void* dy, void* dtable);

  // Finds the different tokens, in the order in which they first occur, and for every token its place among them.
  // distinct: room for count / 2; index (count). Gives their number, or -1 where they are so many that work on each
  // of them once is not worth while; what is written then is of no use.
  int64_t (*distinct_tokens)(int64_t count, const int64_t* tokens, int64_t* distinct, int32_t* index);

  bool (*all_finite)(Dtype, int64_t size, const void* x);
  void (*optimizer_update)(const OptimizerUpdate*);

  void (*ctc_loss)(const CtcLoss*);
  void (*ctc_beam_search)(const CtcBeamSearch*);

  // Memory on a cache line, uninitialised. What is released is kept, up to a limit, for a next request of about its
  // size. bytes: as many as are wanted at least; then as many as there are, which release() asks for.
  void* (*allocate)(int64_t* bytes);
  void (*release)(void* memory, int64_t bytes);

  // Calls part(context, p) for every p in [0, parts), each once, with denormals flushed, on as many of `threads`
  // threads as so many floating-point operations are worth.
  void (*share_out)(int64_t parts, double operations, int threads, void (*part)(void* context, int64_t p),
                    void* context);

  // Threads that a call may use now: set_num_threads, affinity, cgroup, OpenMP's own setting.
  int (*get_num_threads)();
  // The process's setting of MatmulPrecision.
  MatmulPrecision (*get_matmul_precision)();
};

const Api& api();

}  // namespace rnnfast

#endif
