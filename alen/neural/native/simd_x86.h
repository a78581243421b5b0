// What AVX2 and AVX-512 do alike; their headers include it.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace alen {

inline int sum_of_bytes(const int8_t* p) {  // of 32
    const __m256i ones = _mm256_set1_epi8(1);
    __m256i pairs = _mm256_maddubs_epi16(ones, _mm256_loadu_si256((const __m256i*)p));
    __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}
inline void pause() { _mm_pause(); }

}  // namespace alen
