package shop;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/** Everything in it that a body can be. */
public abstract class Shop<T extends Comparable<T>> implements Iterable<T> {
    private final List<T> items;
    private final int limit, least;
    private final String name = "x";
    static final IntUnaryOperator RATE = n -> n * 2;
    static int count;

    static { count = 1; }

    protected Shop(int limit) {
        super();
        this.items = new ArrayList<>();
        this.limit = limit;
        this.least = 0;
    }

    protected Shop() {
        this(3);
        count++;
    }

    public abstract int left();

    public int size() { return items.size() + limit + least; }

    public final boolean isFull() throws IllegalStateException {
        return size() >= limit;
    }

    public <R extends Number> Optional<R> first(R instead) {
        return items.isEmpty() ? Optional.empty() : Optional.of(instead);
    }

    public void add(T item) {
        if (isFull()) throw new IllegalStateException(name);
        items.add(item);
    }

    public double[] prices() { return new double[] {1.0}; }

    char letter() { return 'x'; }

    @Override
    public java.util.Iterator<T> iterator() {
        return new java.util.Iterator<T>() {
            @Override public boolean hasNext() { return false; }
            @Override public T next() { return null; }
        };
    }

    interface Priced {
        long price();
        default long twice() { return 2 * price(); }
        static byte least() { return 1; }
    }

    record Point(int x, int y) {
        Point {
            if (x < 0) throw new IllegalArgumentException();
        }
        Point(int both) { this(both, both); System.out.println(both); }
        int sum() { return x + y; }
    }

    enum Unit {
        CENT(1), EURO(100);
        private final int cents;
        Unit(int cents) { this.cents = cents; }
        int cents() { return cents; }
    }
}
