defmodule Shop.Cart do
  @moduledoc "Everything in it that a body can be."
  @rate 2

  defstruct items: [], name: "x"

  def new(name \\ "x")
  def new(name) when is_binary(name) do
    %__MODULE__{name: name}
  end

  def total(%__MODULE__{items: items}), do: Enum.sum(items)

  def total([], tax) when tax > 0, do: tax
  def total([head | rest], tax) do
    head + total(rest, tax)
  end

  def one_line(n) do n * @rate end

  def careful(n) do
    1 / n
  rescue
    ArithmeticError -> 0
  end

  defp hidden(n) do
    case n do
      1 -> :one
      _ -> fn x -> x end
    end
  end

  def pipe(n), do: n |> hidden() |> inspect()

  defmacro twice(x) do
    quote do: unquote(x) * 2
  end

  defmodule Inner do
    def deep, do: :deep
    def size() do
      @rate
    end
  end
end

defimpl String.Chars, for: Shop.Cart do
  def to_string(cart), do: cart.name
end
