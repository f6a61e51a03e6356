// Products of every format that matrix registers are good for.
#ifndef RNNFAST_KERNELS_FILL_AMX_H
#define RNNFAST_KERNELS_FILL_AMX_H

#include "amx_tile.h"
#include "fill_products.h"

namespace rnnfast {
namespace RNNFAST_ISA {

inline AmxProducts amx_products() {
  return {training_products<Bf16Parts<1>>("amx"), products<AmxInt8>("amx"), training_products<Bf16Parts<2>>("amx"),
          products<Bf16Parts<3>>("amx")};
}

}  // namespace RNNFAST_ISA
}  // namespace rnnfast

#endif
