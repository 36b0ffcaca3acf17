/* SPDX-License-Identifier: MIT */
/* Coroutines of boost.context, which switches stacks by assembly of its own; one of them ends by an exception. */
#include <boost/context/fiber.hpp>

#include <stdexcept>

#include "facts.h"

namespace ctx = boost::context;

#define ROUNDS 500

extern "C" SITE void *fiber_here(void)
{
	return keep(malloc(45));
}

extern "C" SITE void below(int depth)
{
	char frame[64];

	keep(frame);
	if (depth > 0)
		below(depth - 1);
	else
		free(fiber_here());
	keep(frame);
}

extern "C" SITE int throw_and_catch(void)
{
	try {
		below(3);
		throw std::runtime_error("inside a fiber");
	} catch (const std::exception &error) {
		return (int)strlen(error.what());
	}
}

int main()
{
	int lengths = 0;

	for (int round = 0; round < 10; round++) {
		ctx::fiber one{ [&](ctx::fiber &&main) {
			for (int i = 0; i < ROUNDS; i++) {
				below(i % 20);
				main = std::move(main).resume();
			}
			return std::move(main);
		} };
		ctx::fiber two{ [&](ctx::fiber &&main) {
			for (int i = 0; i < ROUNDS; i++) {
				lengths += throw_and_catch();
				main = std::move(main).resume();
			}
			return std::move(main);
		} };

		while (one && two) {
			one = std::move(one).resume();
			two = std::move(two).resume();
		}
		while (one)
			one = std::move(one).resume();
		while (two)
			two = std::move(two).resume();
	}
	printf("%d\n", lengths);
	fact("site fiber_here alloc_count=%d free_count=%d live_count=0", 2 * 10 * ROUNDS, 2 * 10 * ROUNDS);
	fact("site throw_and_catch alloc_count=%d..", 10 * ROUNDS);
	return 0;
}
