// The kernel table: what one instruction set offers. Filled by each stub in isa/, read by engine/.
// Every entry is serial and works on a sub-problem that the engine has cut; none allocates.
//
// Layouts (VL = lanes of Vec<T>, K = length of the product, H = units)
//   panel   packed weights [panel][K][nv * VL]; one panel holds nv vectors per k. Gate panels: nv = gates, vector g =
//           gate g of VL consecutive units. Linear panels: nv = 4, 4 * VL consecutive columns. Padded with zeros.
//   z       pre-activations [panel][row][4 * VL]: four slots per row. LSTM: i f g o. GRU: z r hx hh. Linear: columns.
#ifndef RNNFAST_KERNELS_TABLE_H
#define RNNFAST_KERNELS_TABLE_H

#include <cstddef>
#include <cstdint>

#include "../rnnfast.h"

namespace rnnfast {

constexpr int kSlots = 4;  // vectors per row of a z panel and per k of a linear panel

// The format of weights, see kernels/format.h and kernels/amx_format.h.
enum class WeightType : int { full = 0, bf16, int8, bf16x2, bf16x3 };

// How a format lays out numbers along k: by elements of `numbers` consecutive k (1 in full precision alone). A row of
// A, and a panel of B, is filled up with zeros to whole blocks of `block` elements, and holds each block `parts` times,
// once for every part that its numbers are split into. Rows of A come in multiples of `rows`, with `words` 32-bit words
// for an element.
struct ElementLayout {
  int64_t numbers, words, block, parts, rows;
};

// Panels in one of the formats: [panel][prepared_row(K)][nv * VL] elements.
struct PanelWeights {
  const void* data;
  const float* scale;      // int8: of each column, [panel][nv * VL]; read by no other format
  const int32_t* offset;   // int8: what the sum of each column starts from, likewise
};

// Elements of a row in a format, and the 32-bit words of the scratch in which a product prepares its rows. Static: what
// one instruction set makes of them must not reach another.
static inline int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
static inline int64_t prepared_row(int64_t k, const ElementLayout& e) {
  return whole((k + e.numbers - 1) / e.numbers, e.block) * e.parts;
}
static inline int64_t prepared_scales(int64_t n) { return whole(n, 16); }  // n words, up to a cache line
static inline int64_t prepared_size(int64_t rows, int64_t k, const ElementLayout& e) {
  return e.numbers == 1 ? 0 : prepared_scales(rows) + whole(whole(rows, e.rows) * prepared_row(k, e) * e.words, 16);
}

// Where the k-th factor of a row of A lies. A plain row is one block; a row of z is one block per panel, whose k run
// over `first` elements and then over `second` elements from `second_at` on (GRU skips a slot).
struct KBlocks {
  int64_t blocks, stride;
  int64_t first, second_at, second;
};
static inline KBlocks plain_row(int64_t k) { return {1, 0, k, 0, 0}; }
static inline int64_t factors(const KBlocks& k) { return k.blocks * (k.first + k.second); }

// C[m, panel] = (bias | C | 0) + A * B, for all panels. partial_store needs c_panel = nv * VL (row-major C).
template <class T> struct ProductArgs {
  int64_t m, n;                 // rows; valid columns (linear) or units (gates)
  int nv;                       // vectors per panel of B, 1..4
  bool gates;                   // panel covers VL units (true) or nv * VL columns (false)
  const T* a; ptrdiff_t lda;
  KBlocks k;
  PanelWeights b; ptrdiff_t b_panel;  // elements from one panel to the next
  void* scratch;                // prepared_size(min(m, kRowBlock), factors(k)) words; unused in full precision
  const T* bias;                // [panel][4 * VL] by slot, or null
  bool accumulate;              // start from C
  bool partial_store;           // C has only n columns: the last panel stores what is valid
  bool backwards;               // from the last panel to the first
  T* c; ptrdiff_t c_row, c_panel;
  const Activation* activation; // applied to the result before it is stored, or null (element-wise ones)
};

// The part of a canonical matrix that one panel holds: vector v of row i begins at data + i * row + v * vector.
// vector = 0 stands for consecutive columns, of which size exist from data on; else size units of each gate do.
template <class E> struct PanelPart {
  E* data;
  ptrdiff_t row, vector;
  int64_t size;
};

// C[i][v] = sum over k of A[k, i] * B[k][slot v], for one panel. k ascends, in blocks of a fixed length. In full
// precision A and B are read as they stand; in other formats A is columns that Products::prepare has made rows of, and
// B a panel of 4 * VL columns that Products::pack has made.
template <class T> struct OuterArgs {
  int64_t m, k;                 // rows of C (columns of A); rows of A and B
  int nv;
  bool skip_slot;               // the last vector of B lies in slot nv, not nv - 1 (GRU: hh beside hx)
  const void* a; ptrdiff_t lda; // in full precision: row k at a + k * lda
  const void* b; ptrdiff_t b_row;
  bool accumulate;              // add to C
  PanelPart<T> c;
  T* work;                      // m * nv * VL elements of work space
};

// Zoneout of one state: bytes of the elements that stay what they were, by packed row of `units` (RnnNoise), or the
// share by which all do.
template <class T> struct Zoneout {
  const uint8_t* kept;
  T share;
  bool active() const { return kept != nullptr || share != 0; }
};

// Layer normalisation (kernels/layer_norm.h). Rows of products lie as [panel][gates * VL].
// What training keeps of a step's row: of the recurrent product (and of the candidate's, where it is one apart), and of
// the cell state.
template <class T> struct RowNorm {
  T rstd[2], cell_mean, cell_rstd;
};
// Of the recurrence. gamma null: there is none.
template <class T> struct Norm {
  T epsilon;
  const T* gamma;               // [panel][gates * VL]
  const T *cell_gamma, *cell_beta;  // LSTM: (units)
  // Training: the input's products, normal, by packed row or that of input_index; their gamma; bias [panel][4 * VL].
  const T *input, *input_gamma, *bias;
  T* rows; ptrdiff_t row, panel;    // room for products and the strides of rows and panels; training: by packed row,
                                    // where they are left normal, inference: a row for each of the call
  RowNorm<T>* kept;             // training: by packed row
  int64_t group;                // backward: sorted rows that add up gradients together
  T* d_gamma;                   // backward: (groups, row), added to
  T* d_cell;                    // backward, LSTM: of cell_gamma and cell_beta, (groups, 2, units), added to
  T* cell_rows;                 // backward, LSTM: (row_end - row_begin, units), work space
};
// Rows of the input's products: x = N(x), or x = bias + gamma N(x). Backward: from normal to the gradient of products.
template <class T> struct NormRows {
  int gates; int64_t units, count;
  T epsilon;
  const T* gamma;               // [panel][gates * VL]
  const T* bias;                // [panel][4 * VL] by slot
  T* x; ptrdiff_t x_row, x_panel;
  T* rstd;                      // (count): x is to be normal; or null
  const T* dz; ptrdiff_t dz_panel;  // backward: [panel][row][4 * VL]
  T* d_gamma;                   // backward: added to
};

// The recurrence over segments, for the sorted batch rows [row_begin, row_end) and the panels [panel_begin, panel_end).
// Where several threads share out the panels, each step needs the states that all of them wrote in the one before:
// `meet` waits until all have come, and says whether they go on together. Null: this call computes all panels.
template <class T> struct RecurForwardArgs {
  int64_t units;
  int64_t state;                // elements of h: units, or those of its projection
  PanelWeights u;               // packed recurrent panels; reset_after=false: of z and r
  PanelWeights candidate_u;     // GRU reset_after=false: of the candidate
  void* scratch;                // prepared_size(row_end - row_begin, the larger of units and state) words; in full
                                // precision: unused, or with h_factors (row_end - row_begin, state)
  const T* h_factors;           // training: [gate][sorted row][state], what a gate multiplies the state with; or null
  ptrdiff_t h_factors_gate;     // elements from one gate to the next
  const T* gate_u; ptrdiff_t gate_u_size;  // with h_factors: panels of each gate alone, and the elements of one
  Zoneout<T> h_zoneout, c_zoneout;
  const T* bias_h;              // GRU reset_after: recurrent bias of the candidate, [panel][VL]; else null
  const T* peephole;            // LSTM: [3][padded units]; or null
  PanelWeights projection;      // LSTM: linear panels (units, state); or null
  int64_t projection_begin, projection_end;  // those that this call computes
  Norm<T> norm;
  Activation activation, recurrent_activation;
  bool default_gates;           // tanh for the state, sigmoid for the gates
  const Segment* segments; int64_t segment_count;
  int64_t row_begin, row_end;
  int64_t panel_begin, panel_end;
  bool (*meet)(void* meet_context); void* meet_context;
  T* z; ptrdiff_t z_panel;      // elements from one panel to the next; row 0 is packed row z_origin
  int64_t z_origin;
  T* h; T* c;                   // histories with row length `state` and `units`
  bool c_by_row;                // c holds one state per batch row, updated in place (inference)
  T* extra;                     // row length units, by `z` (training) or by row; written. GRU reset_after=false: r * h;
                                // LSTM with a projection: what it projects
  bool extra_by_row;
  bool reset_after;
  // Where z does not hold the input's part yet: packed row i begins with row input_index[i] of `input`, which is laid
  // out as z is. Null: z holds it, or, in training, norm.input.
  const T* input; ptrdiff_t input_panel;
  const int32_t* input_index;
};

// One time loop backward. z holds what forward left and is overwritten by the gradients of the pre-activations.
template <class T> struct RecurBackwardArgs {
  int64_t units, state;
  PanelWeights ut; KBlocks k;   // packed transpose of U: linear panels over `state` outputs, k as a row of dz has it
  PanelWeights candidate_ut;    // GRU reset_after=false: the transpose of the candidate's part, apart
  KBlocks candidate_k;
  const T* peephole;
  const T* projection_t;        // LSTM: linear panels (state, units) of the transposed projection; or null
  T* d_projected;               // packed (total, state), the gradient of every h; written where projection_t
  Activation activation, recurrent_activation;
  bool default_gates;
  const Segment* segments; int64_t segment_count;  // as forward ran them; walked from the last
  int64_t row_begin, row_end;
  T* z; ptrdiff_t z_panel;
  const T* h; const T* c;
  const T* dy;                  // packed (total, state) or null
  T* dh; T* dc;                 // (batch, state) and (batch, units), in and out
  void* prepared;               // prepared_size(min(row_end - row_begin, kRowBlock), factors(k)) words; unused in full
                                // precision
  T* scratch;                   // (row_end - row_begin, units): GRU reset_after=false, LSTM with a projection
  const T* h_factors; ptrdiff_t h_factors_gate;  // as forward had them
  const T* gate_ut; ptrdiff_t gate_ut_size;      // with h_factors: ut of each gate alone, and the elements of one
  KBlocks gate_k;
  T* dropped;                   // with h_factors: (row_end - row_begin, state)
  Zoneout<T> h_zoneout, c_zoneout;
  Norm<T> norm;                 // k and candidate_k then are those of its rows
  bool reset_after;
};

// Rows of A that stay in L2 while all panels pass by; a multiple of every tile height.
constexpr int64_t kRowBlock = 144;

// What multiplies weights of one format: products, the recurrence of inference, and what training needs more, which is
// null in formats that are for inference alone.
template <class T> struct Products {
  const char* instructions;     // what the format's products are made with
  ElementLayout layout;
  // One panel (k, width) in full precision to the format's elements; scale and offset (width) as in PanelWeights.
  void (*pack)(int64_t k, int64_t width, const T* panel, void* packed, float* scale, int32_t* offset);
  void (*product)(const ProductArgs<T>&);
  // [cell]. Gives the number of segments done: all, or fewer where `meet` has said no.
  int64_t (*recur_forward[3])(const RecurForwardArgs<T>&);

  // to = `rows` rows of k numbers as a product reads them: prepared_row(k) elements each, in multiples of layout.rows.
  // Null in full precision, whose rows are read as they stand.
  void (*prepare)(int64_t rows, int64_t k, const T* x, ptrdiff_t ldx, void* to);
  void (*outer)(const OuterArgs<T>&);
  // [cell]. With h_factors in full precision alone.
  int64_t (*recur_training[3])(const RecurForwardArgs<T>&);
  void (*recur_backward[3])(const RecurBackwardArgs<T>&);
};

template <class T> struct Kernels {
  int lanes;
  Products<T> full;
  // to [row][nv * VL] = a panel's part, padded with zeros.
  void (*pack)(int64_t rows, int nv, const PanelPart<const T>&, T* to);
  // to[c * to_row + r] = from[r * from_row + c]; r runs on with zeros to a whole vector.
  void (*transpose)(int64_t rows, int64_t cols, const T* from, ptrdiff_t from_row, T* to, ptrdiff_t to_row);
  // sums [4 * VL] = the rows of one panel of z added up, in order
  void (*z_sums)(int64_t rows, const T* z, T* sums);
  // y = x * factors, or y += that, over rows of n elements
  void (*scale_rows)(int64_t rows, int64_t n, const T* x, ptrdiff_t x_row, const T* factors, ptrdiff_t factors_row,
                     bool accumulate, T* y, ptrdiff_t y_row);
  // sums [row][4 * VL] += the rows of one panel of z, each to the row of its index, in order
  void (*z_sums_by_index)(int64_t rows, const T* z, const int32_t* index, T* sums);
  void (*normalize)(const NormRows<T>&);
  void (*normalize_backward)(const NormRows<T>&);
  // dp (3, units) = sum over the segments of d(i, f) * c_prev, d(o) * c
  void (*peephole_gradient)(int64_t units, const Segment*, int64_t segment_count, const T* z, ptrdiff_t z_panel,
                            const T* c, T* dp);

  // Element-wise over contiguous arrays; y may be x, dx may be dy.
  void (*activate)(Activation, int64_t size, const T* x, T* y);
  void (*activate_backward)(Activation, int64_t size, const T* x, const T* y, const T* dy, T* dx);
  // Over rows; sums run over the features in ascending order, whatever VL.
  void (*softmax)(bool log, int64_t rows, int64_t features, const T* x, T* y);
  void (*softmax_backward)(bool log, int64_t rows, int64_t features, const T* y, const T* dy, T* dx);
  void (*column_sums)(int64_t rows, int64_t cols, const T* x, T* sums);
  bool (*all_finite)(int64_t size, const T* x);
  void (*optimizer[static_cast<int>(Rule::count)])(const OptimizerUpdate&, int64_t begin, int64_t end);
};

struct KernelTable {
  const char* isa;              // "generic", "avx2", "avx512", "amx", "neon"
  Kernels<float> f32;
  Kernels<double> f64;
  Products<float> bf16, int8;
  Products<float> bf16x2, bf16x3;  // without instructions where it would be slower than full precision
  template <class T> const Kernels<T>& of() const;
  // Null where the table has none.
  template <class T> const Products<T>* products(WeightType) const;
};

// What AMX adds to the kernels of AVX-512.
struct AmxProducts {
  Products<float> bf16, int8, bf16x2, bf16x3;
};
static inline KernelTable with_amx(KernelTable table, const AmxProducts& amx) {
  table.isa = "amx";
  table.bf16 = amx.bf16;
  table.int8 = amx.int8;
  table.bf16x2 = amx.bf16x2;
  table.bf16x3 = amx.bf16x3;
  return table;
}
template <> inline const Kernels<float>& KernelTable::of<float>() const { return f32; }
template <> inline const Kernels<double>& KernelTable::of<double>() const { return f64; }
template <> inline const Products<float>* KernelTable::products<float>(WeightType type) const {
  const Products<float>* const all[] = {&f32.full, &bf16, &int8, &bf16x2, &bf16x3};
  const Products<float>* const found = all[static_cast<int>(type)];
  return found->instructions == nullptr ? nullptr : found;
}
template <> inline const Products<double>* KernelTable::products<double>(WeightType type) const {
  return type == WeightType::full ? &f64.full : nullptr;
}

}  // namespace rnnfast

#endif
