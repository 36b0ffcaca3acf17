/* SPDX-License-Identifier: MIT */
/* Text within XML and HTML. */
#include "markup.h"

#include <stdint.h>

#include "utf8.h"

void markup_text(const char *text, FILE *out)
{
	while (*text) {
		uint32_t code = 0;
		size_t bytes = utf8_decode(text, &code);

		if (bytes == 0)
			fputs("\xef\xbf\xbd", out);
		else if (code == '&')
			fputs("&amp;", out);
		else if (code == '<')
			fputs("&lt;", out);
		else if (code == '>')
			fputs("&gt;", out);
		else if (code == '"')
			fputs("&quot;", out);
		else if ((code < 0x20 && code != '\n' && code != '\t') || code == 0xfffe || code == 0xffff)
			fputc('?', out);
		else
			fwrite(text, 1, bytes, out);
		text += bytes ? bytes : 1;
	}
}
