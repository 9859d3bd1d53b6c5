// X25519 for processors with ADX and BMI2, as later BoringSSL has it: out of the crate ring, whose
// headers this file is compiled with. x25519_adx.patch calls it.
#include "crypto/curve25519/curve25519_64_adx.c"
#include "crypto/curve25519/curve25519_tables.h"
