// Which of two values a maximum or a minimum takes: the first of equals, and NaN where one of them is.
#ifndef RNNFAST_PROGRAM_CHOICE_H
#define RNNFAST_PROGRAM_CHOICE_H

namespace rnnfast {

template <class T> T larger(T a, T b) { return a >= b || a != a ? a : b; }
template <class T> T smaller(T a, T b) { return a <= b || a != a ? a : b; }

}  // namespace rnnfast

#endif
