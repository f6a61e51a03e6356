# src_c/rnnfast.h as Cython sees it. What each field and entry means is written there. Arguments are checked before an
# entry is called, so what it can fail for is memory.
from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp cimport bool

cdef extern from "rnnfast.h" namespace "rnnfast" nogil:
    enum class Dtype(int):
        float32
        float64

    enum class MatmulPrecision(int):
        highest
        high
        medium

    enum class CellKind(int):
        simple_rnn
        lstm
        gru

    enum class ActivationId(int):
        count
        softmax
        log_softmax

    struct Activation:
        ActivationId id
        double alpha
        double beta

    struct RnnSpec:
        CellKind cell
        bool reset_after
        Activation activation
        Activation recurrent_activation
        int64_t input_dim
        int64_t units
        int64_t projection
        double norm_epsilon

    int64_t gate_count(CellKind cell)

    struct RnnNorm "rnnfast::RnnNorm<const void*>":
        const void* kernel_gamma
        const void* recurrent_gamma
        const void* cell_gamma
        const void* cell_beta

    struct RnnNormGradients "rnnfast::RnnNorm<void*>":
        void* kernel_gamma
        void* recurrent_gamma
        void* cell_gamma
        void* cell_beta

    struct RnnWeights:
        const void* kernel
        const void* recurrent_kernel
        const void* bias
        const void* peephole
        const void* projection
        RnnNorm norm

    cppclass SequencePlan:
        pass

    struct RnnNoise:
        const void* x_factors
        const void* h_factors
        const uint8_t* h_kept
        const uint8_t* c_kept
        double h_zoneout
        double c_zoneout

    const int64_t kZoneoutPadding

    struct RnnForward:
        Dtype dtype
        const RnnSpec* spec
        RnnWeights weights
        const SequencePlan* plan
        RnnNoise noise
        const void* x
        void* h
        void* c
        void* z
        void* extra
        int threads
        const int32_t* index
        int64_t x_rows
        MatmulPrecision precision

    struct RnnBackward:
        RnnForward forward
        const void* dy
        void* dh
        void* dc
        void* dx
        void* dkernel
        void* drecurrent_kernel
        void* dbias
        void* dpeephole
        void* dprojection
        RnnNormGradients dnorm

    struct MatMul:
        Dtype dtype
        bool transpose_a
        bool transpose_b
        int64_t m
        int64_t n
        int64_t k
        const void* a
        int64_t lda
        const void* b
        int64_t ldb
        const void* bias
        void* c
        int64_t ldc
        int threads
        MatmulPrecision precision

    enum class Rule(int):
        sgd
        rmsprop
        adam
        nadam
        adamax
        adagrad
        adadelta
        lion

    struct OptimizerUpdate:
        Rule rule
        Dtype dtype
        int64_t size
        void* param
        void* before
        const void* grad
        const int64_t* grad_index
        int64_t grad_rows
        int64_t grad_width
        void* slots[3]
        double learning_rate
        double weight_decay
        double momentum
        double rho
        double beta_1
        double beta_2
        double epsilon
        double slot_share
        double grad_share
        int64_t step
        bool nesterov

    struct CtcLoss:
        Dtype dtype
        int64_t batch
        int64_t time
        int64_t classes
        int64_t max_labels
        int64_t blank
        const void* logits
        const uint8_t* mask
        const int64_t* labels
        const int64_t* label_lengths
        double* losses
        void* gradient
        int threads

    struct CtcBeamSearch:
        Dtype dtype
        int64_t batch
        int64_t time
        int64_t classes
        int64_t blank
        int64_t beam_width
        int64_t top_paths
        const void* logits
        const int64_t* lengths
        int32_t* paths
        double* scores
        int threads

    struct Api:
        SequencePlan* (*plan_create)(int64_t batch, int64_t time, const uint8_t* mask, const int64_t* lengths,
                                     bool reverse) except +MemoryError nogil
        void (*plan_free)(SequencePlan*) noexcept nogil
        int64_t (*plan_total)(const SequencePlan*) noexcept nogil
        bool (*plan_uniform)(const SequencePlan*) noexcept nogil
        const int64_t* (*plan_order)(const SequencePlan*) noexcept nogil
        void (*plan_last)(const SequencePlan*, int64_t* rows) noexcept nogil
        void (*plan_gather)(const SequencePlan*, Dtype, const void* x, int64_t batch_stride, int64_t time_stride,
                            int64_t features, void* packed, int threads) except +MemoryError nogil
        void (*plan_scatter)(const SequencePlan*, Dtype, const void* packed, int64_t features, void* x,
                             int64_t batch_stride, int64_t time_stride, int threads) except +MemoryError nogil
        void (*plan_outputs)(const SequencePlan*, Dtype, const void* h, int64_t units, bool zero_output, void* y,
                             int64_t batch_stride, int64_t time_stride, int threads) except +MemoryError nogil
        void (*plan_outputs_backward)(const SequencePlan*, Dtype, const void* dy, int64_t batch_stride,
                                      int64_t time_stride, int64_t units, bool zero_output, void* packed,
                                      int threads) except +MemoryError nogil
        int64_t (*rnn_z_size)(Dtype, const RnnSpec*, int64_t total, int64_t x_rows) noexcept nogil
        void (*rnn_forward)(const RnnForward*) except +MemoryError nogil
        void (*rnn_backward)(const RnnBackward*) except +MemoryError nogil
        void (*matmul)(const MatMul*) except +MemoryError nogil
        void (*activation_forward)(Dtype, Activation, int64_t rows, int64_t features, const void* x, void* y,
                                   int threads) except +MemoryError nogil
        void (*activation_backward)(Dtype, Activation, int64_t rows, int64_t features, const void* x, const void* y,
                                    const void* dy, void* dx, int threads) except +MemoryError nogil
        void (*column_sums)(Dtype, int64_t rows, int64_t cols, const void* x, void* sums) except +MemoryError nogil
        void (*embedding_backward)(Dtype, int64_t count, int64_t dim, const int64_t* index, const void* dy,
                                   void* dtable) except +MemoryError nogil
        int64_t (*distinct_tokens)(int64_t count, const int64_t* tokens, int64_t* distinct,
                                   int32_t* index) except +MemoryError nogil
        bint (*all_finite)(Dtype, int64_t size, const void* x) except +MemoryError nogil
        void (*optimizer_update)(const OptimizerUpdate*) except +MemoryError nogil
        void (*ctc_loss)(const CtcLoss*) except +MemoryError nogil
        void (*ctc_beam_search)(const CtcBeamSearch*) except +MemoryError nogil
        void* (*allocate)(int64_t* bytes) except +MemoryError nogil
        void (*release)(void*, int64_t bytes) noexcept nogil
        int (*get_num_threads)() noexcept nogil
        MatmulPrecision (*get_matmul_precision)() noexcept nogil
