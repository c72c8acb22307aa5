/* The end of what target_begin.inc.h began. */
#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#undef PYLSTM_TARGET
