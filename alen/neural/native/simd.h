// Sixteen numbers at a time: with AVX-512 or AVX2 where the processor has it, in plain loops that the compiler vectorises
// elsewhere.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
#define ALEN_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define ALEN_AVX2 1
#endif

namespace alen {

constexpr int LANES = 16;

// Room that begins with a line of the caches: a vector or a row of a tile that straddles two lines takes twice as long.
template <class T>
struct InLines {
    using value_type = T;
    static constexpr std::align_val_t line{64};
    InLines() = default;
    template <class U>
    InLines(const InLines<U>&) {}
    T* allocate(std::size_t count) { return (T*)::operator new(count * sizeof(T), line); }
    void deallocate(T* at, std::size_t) { ::operator delete(at, line); }
    bool operator==(const InLines&) const { return true; }
    bool operator!=(const InLines&) const { return false; }
};
template <class T>
using Room = std::vector<T, InLines<T>>;

}  // namespace alen

#if defined(ALEN_AVX512)
#include "simd_avx512.h"
#elif defined(ALEN_AVX2)
#include "simd_avx2.h"
#else
#include "simd_plain.h"
#endif

namespace alen {

// e to the x, within two units in the last place: x = n ln 2 + r, and a polynomial of degree six in r.
inline F exponential(F x) {
    x = larger(smaller(x, all(88.0f)), all(-87.0f));
    F n = rounded(x * all(1.44269504f));
    F r = fma(n, all(-0.693145752f), x);
    r = fma(n, all(-1.42860677e-6f), r);
    F p = all(1.3888889e-3f);
    p = fma(p, r, all(8.3333333e-3f));
    p = fma(p, r, all(4.1666667e-2f));
    p = fma(p, r, all(1.6666667e-1f));
    p = fma(p, r, all(0.5f));
    p = fma(p, r, all(1.0f));
    p = fma(p, r, all(1.0f));
    return times_two_to(p, n);
}

inline F silu(F x) { return x / (all(1.0f) + exponential(all(0.0f) - x)); }

}  // namespace alen
