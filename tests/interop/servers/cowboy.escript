#!/usr/bin/env escript
%% Cowboy, of Erlang, as it is unpacked from Debian's rabbitmq-server.
%%
%% cannot: fragments
-mode(compile).
-export([init/2, websocket_init/1, websocket_handle/2, websocket_info/2,
	 terminate/3]).

missing(Reason) ->
	io:format("~s~n", [Reason]),
	halt(77).

main(_) ->
	Ebins = filelib:wildcard(filename:join([
		filename:dirname(escript:script_name()), "..", "..", "cowboy",
		"*", "ebin"])),
	code:add_pathsa(Ebins),
	case application:ensure_all_started(cowboy) of
		{ok, _} -> ok;
		{error, _} -> missing("no cowboy; tests/run unpacks it")
	end,
	ets:new(last, [named_table, public]),
	ets:insert(last, {last, <<"nobody">>}),
	Routes = cowboy_router:compile([{'_', [{'_', ?MODULE, []}]}]),
	{ok, _} = cowboy:start_clear(echo, [{ip, {127, 0, 0, 1}}, {port, 0}],
		#{env => #{dispatch => Routes}}),
	io:format("ws://127.0.0.1:~b/~n", [ranch:get_port(echo)]),
	stay().

%% Until the standard input ends.
stay() ->
	case io:get_line("") of
		eof -> halt(0);
		_ -> stay()
	end.

init(Request, _) ->
	{cowboy_websocket, Request, [],
		#{compress => true, max_frame_size => 1 bsl 26}}.

websocket_init(State) ->
	{[], State}.

websocket_handle({text, <<"/", Order/binary>>}, State) ->
	obey(binary:split(Order, <<" ">>), State);
websocket_handle({text, Text}, State) ->
	{[{text, Text}], State};
websocket_handle({binary, Data}, State) ->
	{[{binary, Data}], State};
websocket_handle({pong, Data}, State) ->
	{[{text, <<"pong ", Data/binary>>}], State};
websocket_handle(_, State) ->
	{[], State}.

websocket_info(_, State) ->
	{[], State}.

obey([<<"last">>], State) ->
	[{last, Text}] = ets:lookup(last, last),
	{[{text, Text}], State};
obey([<<"ping">>, Data], State) ->
	{[{ping, Data}], State};
obey([<<"close">>, Words], State) ->
	[Code | Reason] = binary:split(Words, <<" ">>),
	{[{close, binary_to_integer(Code), iolist_to_binary(Reason)}], State};
obey([<<"vanish">>], _) ->
	exit(self(), kill).

terminate({remote, Code, Reason}, _, _) ->
	note(Code, Reason);
terminate(remote, _, _) ->
	note(1005, <<>>);
terminate(_, _, _) ->
	note(1006, <<>>).

note(Code, Reason) ->
	ets:insert(last, {last, iolist_to_binary([
		integer_to_list(Code), " ", Reason])}),
	ok.
