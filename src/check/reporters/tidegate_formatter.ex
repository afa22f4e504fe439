# A formatter of ExUnit: writes down how each test ended, as it happens, one JSON object a line.
defmodule Tidegate.Formatter do
  @moduledoc false
  use GenServer

  @given {__MODULE__, :given}

  @impl true
  def init(_options) do
    {reports, root} = given()
    {:ok, %{file: open(reports, 0), root: root}}
  end

  @impl true
  def handle_cast({:suite_started, _options}, state), do: tell(state, ~s({"event":"start"}))

  def handle_cast({:test_started, test}, state),
    do: tell(state, ~s({"event":"collected","tests":[#{name(state, test)}]}))

  def handle_cast({:test_finished, test}, state), do: result(state, test, test.state)

  # What sets all tests of a module up has failed.
  def handle_cast({:module_finished, %{state: {:failed, _}, tests: tests}}, state),
    do: Enum.reduce(tests, {:noreply, state}, fn test, _ -> result(state, test, {:failed, []}) end)

  def handle_cast({:suite_finished, _times}, state), do: tell(state, ~s({"event":"end"}))
  def handle_cast({:suite_finished, _run, _load}, state), do: tell(state, ~s({"event":"end"}))
  def handle_cast(_event, state), do: {:noreply, state}

  # Applications of an umbrella are tested one after the other in one machine; what their tests start is not to be recorded.
  defp given do
    case :persistent_term.get(@given, nil) do
      nil ->
        given = {System.fetch_env!("TIDEGATE_EX_REPORTS"), System.fetch_env!("TIDEGATE_EX_ROOT")}
        :persistent_term.put(@given, given)

        case System.get_env("TIDEGATE_EX_BEFORE") do
          before when before in [nil, ""] -> System.delete_env("ERL_AFLAGS")
          before -> System.put_env("ERL_AFLAGS", before)
        end

        Enum.each(~w(TIDEGATE_EX_REPORTS TIDEGATE_EX_ROOT TIDEGATE_EX_BEFORE), &System.delete_env/1)
        given

      given ->
        given
    end
  end

  defp open(reports, number) do
    path = Path.join(reports, "exunit-#{System.pid()}-#{number}.jsonl")

    case :file.open(path, [:append, :raw, :exclusive]) do
      {:ok, file} -> file
      {:error, :eexist} -> open(reports, number + 1)
    end
  end

  defp result(state, test, outcome) do
    word =
      case outcome do
        nil -> ~s("passed")
        {:failed, _} -> ~s("failed")
        {:invalid, _} -> ~s("failed")
        {kind, reason} when kind in [:skipped, :excluded] -> ~s("skipped","reason":#{text(reason)})
        _ -> ~s("unfinished")
      end

    tell(state, ~s({"event":"result","test":#{name(state, test)},"outcome":#{word}}))
  end

  defp tell(state, line) do
    :ok = :file.write(state.file, [line, ?\n])
    {:noreply, state}
  end

  defp name(state, test) do
    kind = to_string(Map.get(test.tags, :test_type, :test)) <> " "
    title = to_string(test.name)
    title = if kind == "doctest ", do: title, else: String.replace_prefix(title, kind, "")
    text(Path.relative_to(test.tags.file, state.root) <> " " <> title)
  end

  # A string of JSON.
  defp text(value) do
    value = if is_binary(value), do: value, else: inspect(value)
    IO.iodata_to_binary([?", escaped(value, []), ?"])
  end

  defp escaped(<<char::utf8, rest::binary>>, done) when char in [?", ?\\], do: escaped(rest, [done, ?\\, char])

  defp escaped(<<char::utf8, rest::binary>>, done) when char < 0x20,
    do: escaped(rest, [done, "\\u", String.pad_leading(Integer.to_string(char, 16), 4, "0")])

  defp escaped(<<char::utf8, rest::binary>>, done), do: escaped(rest, [done, <<char::utf8>>])
  defp escaped(<<_, rest::binary>>, done), do: escaped(rest, [done, ??])
  defp escaped(<<>>, done), do: done
end
