/* SPDX-License-Identifier: MIT */
/* leaks_cxx CASE: like leaks.c, what C++ makes of blocks. */
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "facts.h"

static void *volatile root;

struct big {
	char bytes[1001];
};

struct first {
	virtual ~first() {}
	long a = 1;
};

struct second {
	virtual ~second() {}
	long b = 2;
};

struct both : first, second {
	char rest[1001 - sizeof(first) - sizeof(second)];
};

struct common {
	virtual ~common() {}
	long c = 3;
};

struct derived : virtual common {
	char rest[2000];
};

struct counted {
	char rest[100];
	~counted() { __asm__ volatile("" : : : "memory"); }
};

SITE static void wipe()
{
	volatile char junk[16384];

	for (char volatile &c : junk)
		c = 0;
}

template <class T> static T *hide(T *pointer)
{
	return static_cast<T *>(keep(pointer));
}

static void expect(const char *leak_class, size_t size, unsigned count)
{
	fact("leak %s size=%zu count=%u", leak_class, size, count);
}

SITE static void case_new()
{
	hide(new big);
	expect("definite", sizeof(big), 1);
}

/* A pointer to a base class that is not the first points into the block. */
SITE static void case_second_base()
{
	second *s = hide(new both);

	root = s;
	expect("reachable", sizeof(both), 1);
}

SITE static void case_virtual_base()
{
	common *c = hide(new derived);

	root = c;
	expect("reachable", sizeof(derived), 1);
}

/* new[] of what has a destructor puts the number of elements before the first. */
SITE static void case_array()
{
	root = hide(new counted[7]);
	expect("reachable", 7 * sizeof(counted) + 8, 1);
}

SITE static void case_array_lost()
{
	hide(new counted[7]);
	expect("definite", 7 * sizeof(counted) + 8, 1);
}

SITE static void case_vector_lost()
{
	auto *v = hide(new std::vector<big *>(50));

	for (auto &p : *v)
		p = new big;
	expect("definite", sizeof(*v), 1);
	expect("indirect", 50 * sizeof(void *), 1);
	expect("indirect", sizeof(big), 50);
}

static std::vector<big *> kept;

SITE static void case_vector_of_pointers()
{
	/* Its destructor gives back the array, and not what the elements point to. */
	for (int i = 0; i < 20; i++)
		kept.push_back(hide(new big));
	expect("definite", sizeof(big), 20);
}

static std::vector<std::string> strings;

SITE static void case_vector_of_strings()
{
	for (int i = 0; i < 20; i++)
		strings.emplace_back(any_size(500), 'x');
	expect("none", 501, 0);
}

SITE static void case_map_lost()
{
	auto *m = hide(new std::map<int, big>);

	for (int i = 0; i < 30; i++)
		(*m)[i];
	expect("definite", sizeof(*m), 1);
	expect("indirect", sizeof(std::_Rb_tree_node<std::pair<const int, big>>), 30);
}

SITE static void case_list_kept()
{
	auto *l = hide(new std::list<big>(30));

	root = l;
	expect("reachable", sizeof(*l), 1);
	expect("reachable", sizeof(std::_List_node<big>), 30);
}

struct ring {
	std::shared_ptr<ring> next;
	char rest[1000];
};

SITE static void case_shared_cycle()
{
	auto a = std::make_shared<ring>();
	auto b = std::make_shared<ring>();

	a->next = b;
	b->next = a;
	fact("leak definite count=1");
	fact("leak indirect count=1");
}

SITE static void case_string_lost()
{
	auto *s = hide(new std::string(any_size(1000), 'x'));

	__asm__ volatile("" : : "r"(s->data()) : "memory");
	expect("definite", sizeof(std::string), 1);
	expect("indirect", 1001, 1);
}

SITE static void case_exception()
{
	try {
		throw std::unique_ptr<big>(hide(new big));
	} catch (std::unique_ptr<big> &) {
	}
	expect("none", sizeof(big), 0);
}

thread_local std::vector<big> of_thread;

SITE static void case_thread_local()
{
	std::thread([] { of_thread.resize(3); }).join();
	expect("none", 3 * sizeof(big), 0);
}

SITE static void case_function_static()
{
	static std::vector<big> once(3);

	__asm__ volatile("" : : "r"(once.data()) : "memory");
	expect("none", 3 * sizeof(big), 0);
}

#define CASES(X)                                                                                         \
	X(new) X(second_base) X(virtual_base) X(array) X(array_lost) X(vector_lost) X(vector_of_pointers) \
	X(vector_of_strings) X(map_lost) X(list_kept) X(shared_cycle) X(string_lost) X(exception)        \
	X(thread_local) X(function_static)

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)();
	} cases[] = {
#define X(name) { #name, case_##name },
		CASES(X)
#undef X
	};

	for (auto &c : cases) {
		if (argc < 2)
			puts(c.name);
		else if (strcmp(argv[1], c.name) == 0)
			c.run();
	}
	wipe();
	return 0;
}
