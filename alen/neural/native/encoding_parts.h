// What both ways of computing an encoder share: simple functions of sixteen numbers.
#pragma once
#include "simd.h"

namespace alen {

inline int filled(int count, int step) { return (count + step - 1) / step * step; }

// x times the share of a normal distribution below it (Hendrycks and Gimpel, 2016): an odd polynomial up to four, off by
// 2e-5 at most, a hundredth of what bfloat16 rounds away.
inline F gelu(F x) {
    const F part = larger(smaller(x, all(4.0f)), all(-4.0f)), s = part * part;
    F p = all(6.74026046e-11f);
    p = fma(p, s, all(-6.06681299e-09f));
    p = fma(p, s, all(2.44081814e-07f));
    p = fma(p, s, all(-5.86055862e-06f));
    p = fma(p, s, all(9.4939882e-05f));
    p = fma(p, s, all(-0.0011128542f));
    p = fma(p, s, all(0.00981579569f));
    p = fma(p, s, all(-0.0663236219f));
    p = fma(p, s, all(0.398881011f));
    return x * fma(part, p, all(0.5f));
}

// Two to the x, for x from -126 to 0, off by 3e-6 of itself at most.
inline F power_of_two(F x) {
    x = larger(x, all(-126.0f));
    const F n = rounded(x), r = x - n;
    F p = all(0.0095827871f);
    p = fma(p, r, all(0.055906417f));
    p = fma(p, r, all(0.240241f));
    p = fma(p, r, all(0.6931242f));
    p = fma(p, r, all(1.0f));
    return times_two_to(p, n);
}

}  // namespace alen
