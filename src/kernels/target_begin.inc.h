/* From here to target_end.inc.h functions are compiled for the instruction sets that PYLSTM_TARGET names, as gcc and clang
 * spell them. MSVC needs none of this: it accepts every intrinsic everywhere. No include guard: a file may open several
 * targets.
 */
#define PYLSTM_PRAGMA(...)        _Pragma(#__VA_ARGS__)
#define PYLSTM_TARGET_PRAGMA(...) PYLSTM_PRAGMA(__VA_ARGS__)

#if defined(__clang__)
PYLSTM_TARGET_PRAGMA(clang attribute push(__attribute__((target(PYLSTM_TARGET))), apply_to = function))
#elif defined(__GNUC__)
PYLSTM_TARGET_PRAGMA(GCC push_options)
PYLSTM_TARGET_PRAGMA(GCC target(PYLSTM_TARGET))
#endif

#undef PYLSTM_PRAGMA
#undef PYLSTM_TARGET_PRAGMA
