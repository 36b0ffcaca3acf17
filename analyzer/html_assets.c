/* SPDX-License-Identifier: MIT */
/* The assembler puts the files here, so no generated source and no tool stands between them and the program. */
#include "html_assets.h"

#define X(name, file)                                  \
	__asm__(".pushsection .rodata\n"               \
		".global html_asset_" #name "\n"       \
		"html_asset_" #name ":\n"              \
		".incbin \"analyzer/html/" file "\"\n" \
		".byte 0\n"                            \
		".popsection\n");
HTML_ASSETS(X)
#undef X
