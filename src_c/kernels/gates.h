// Gate activations of a cell: the default ones are inlined; any other goes through the vector switch of activations.h.
// What a cell keeps for its backward pass differs: default gates keep the activated value, whose slope follows from it;
// other gates keep the pre-activation, from which value and slope are computed again.
#ifndef RNNFAST_KERNELS_GATES_H
#define RNNFAST_KERNELS_GATES_H

#include "../simd/slice.h"
#include "activations.h"
#include "tile.h"

namespace rnnfast {
namespace RNNFAST_ISA {

template <class T> struct Gate {
  Vec<T> value, slope;
};

// tanh for the state, sigmoid for the gates.
struct DefaultGates {
  template <class T> explicit DefaultGates(const T&) {}
  template <class T> RNNFAST_INLINE Vec<T> gate(Vec<T> x) const { return sigmoid(x); }
  template <class T> RNNFAST_INLINE Vec<T> state(Vec<T> x) const { return tanh(x); }
  template <class T> RNNFAST_INLINE Vec<T> kept(Vec<T>, Vec<T> value) const { return value; }
  template <class T> RNNFAST_INLINE Vec<T> gate_value_from_kept(Vec<T> y) const { return y; }
  template <class T> RNNFAST_INLINE Gate<T> gate_from_kept(Vec<T> y) const { return {y, sigmoid_slope(y)}; }
  template <class T> RNNFAST_INLINE Gate<T> state_from_kept(Vec<T> y) const { return {y, tanh_slope(y)}; }
  template <class T> RNNFAST_INLINE Gate<T> state_of(Vec<T> x) const { return state_from_kept(tanh(x)); }
};

struct AnyGates {
  Activation of_state, of_gate;
  template <class Args>
  explicit AnyGates(const Args& args) : of_state(args.activation), of_gate(args.recurrent_activation) {}
  template <class T> Vec<T> gate(Vec<T> x) const { return activate(of_gate, x); }
  template <class T> Vec<T> state(Vec<T> x) const { return activate(of_state, x); }
  template <class T> Vec<T> kept(Vec<T> x, Vec<T>) const { return x; }
  template <class T> Vec<T> gate_value_from_kept(Vec<T> x) const { return gate(x); }
  template <class T> Gate<T> gate_from_kept(Vec<T> x) const { return with_slope(of_gate, x); }
  template <class T> Gate<T> state_from_kept(Vec<T> x) const { return with_slope(of_state, x); }
  template <class T> Gate<T> state_of(Vec<T> x) const { return with_slope(of_state, x); }

 private:
  template <class T> static Gate<T> with_slope(const Activation& activation, Vec<T> x) {
    Gate<T> g;
    activate_with_slope(activation, x, g.value, g.slope);
    return g;
  }
};

// The units of one vector of a panel.
template <class T> RNNFAST_INLINE Slice<T> units_of(int64_t vector, int64_t units) {
  return Slice<T>(vector * Vec<T>::N, units);
}

// A segment cut to the rows [row_begin, row_end) of a call.
struct Cut {
  int64_t count, row, prev, out, z;
  bool backwards;  // panels from last to first: every other step, so that it begins with what is still in cache
};
inline Cut cut_segment(const Segment& s, int64_t row_begin, int64_t row_end, bool backwards) {
  const int64_t begin = s.row > row_begin ? s.row : row_begin;
  const int64_t end = s.row + s.count < row_end ? s.row + s.count : row_end;
  const int64_t shift = begin - s.row;
  return {end > begin ? end - begin : 0, begin, s.prev + shift, s.out + shift, s.z + shift, backwards};
}

// Waits for the threads that compute the other panels; false: they no longer go on together.
template <class T> inline bool meet(const RecurForwardArgs<T>& p) { return !p.meet || p.meet(p.meet_context); }

// The recurrent product of one cut and its gate math, tile by tile. A tile's finished pre-activations lie in `done`,
// [row][panel][nv][VL], on the stack: they pass from the registers to the gate math through L1, so that one copy of the
// gate math serves tiles of every shape.
//   z, z_panel   the input's part, slots [0, nv) of the given first row, or null for zero; init_last as in Tile,
//                [panel][VL], or null
//   a            rows of length `units`; u: panels of format F with u_k elements per element of a row
//   scratch      as RecurForwardArgs has it
//   finish(done, rows, panels, first row, first panel), for the panels [begin, end)
template <class F, class Finish, class T = typename F::Value>
void recurrent_tiles(int nv, const Cut& cut, int64_t begin, int64_t end, int64_t units, const typename F::Value* z,
                     ptrdiff_t z_panel, const typename F::Value* init_last, const typename F::Value* a,
                     const PanelWeights& u, ptrdiff_t u_k, void* scratch, const Finish& finish) {
  constexpr int VL = Vec<T>::N;
  alignas(64) T done[Tiles<F>::size];
  const PreparedRows<F> prepared = F::prepare(cut.count, plain_row(units), a, units, scratch);
  Tile<F> t;
  t.init_row = z ? kSlots * VL : 0;
  t.init_panel = z ? z_panel : 0;
  t.a_row = prepared.row;
  t.a_k = 1;
  t.k = plain_row(prepared_row(units, F::layout));
  t.b_panel = t.k.first * u_k;
  t.b_k = u_k;
  t.b_skip = 0;
  t.out = done;
  t.out_panel = nv * VL;
  const Walk walk = {t.b_panel * static_cast<int64_t>(sizeof(*t.b)), cut.backwards};
  Tiles<F>::for_each(nv, cut.count, end - begin, walk,
                     [&](const auto& function, int height, int group, int64_t row, int64_t first) {
    const int64_t panel = begin + first;
    t.init = z ? z + panel * z_panel + row * kSlots * VL : zeros<T>();
    t.init_last = init_last ? init_last + panel * VL : nullptr;
    set_a(t, prepared, row);
    set_b(t, u, panel);
    t.out_row = group * nv * VL;
    function(t);
    finish(done, height, group, row, panel);
  });
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
