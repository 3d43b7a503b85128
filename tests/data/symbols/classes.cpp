// Classes of every kind, whose tables of virtual functions symbols name; and data that is none. Built by build.sh.
#define KEPT __attribute__((used, noinline))

namespace shop {
struct Item {
    virtual long price() const;
    long cents;
};
KEPT long Item::price() const { return cents; }

struct Shipped {
    virtual long weight() const;
    long grams;
};
KEPT long Shipped::weight() const { return grams; }

// Two bases, and so two tables: objects begin with the first.
struct Parcel : Item, Shipped {
    long price() const override;
    long weight() const override;
};
KEPT long Parcel::price() const { return cents + grams; }
KEPT long Parcel::weight() const { return grams + 40; }

template <class T> struct Held {
    virtual T *get() const { return held; }
    T *held;
};
// Not the same code: a linker must not fold these.
template <> Item *Held<Item>::get() const { return held + 1; }

// The same functions, so that a linker folds the tables.
struct Order {
    virtual long kind() const { return 7; }
};
struct Invoice {
    virtual long kind() const { return 7; }
};

int limits[4] = {1, 2, 3, 4};
} // namespace shop

namespace {
struct Hidden {
    virtual long kind() const { return 9; }
};
} // namespace

extern "C" int plain_counter = 3;

template <class T> KEPT void make(void *place) { new (place) T; }
inline void *operator new(decltype(sizeof(0)), void *place) noexcept { return place; }

extern "C" int mainCRTStartup() {
    static long room[16];
    make<shop::Item>(room);
    make<shop::Shipped>(room);
    make<shop::Parcel>(room);
    make<shop::Held<shop::Item>>(room);
    make<shop::Order>(room);
    make<shop::Invoice>(room);
    make<Hidden>(room);
    return static_cast<int>(room[0]) + shop::limits[room[1] & 3] + plain_counter;
}
