"""What travels between nodes, and what becomes of it: a hub's side and a kit's side, without any transport.

`HubSide(store).answer(request)` takes the bytes of one request and gives the bytes of its answer. `KitSide(store, send)` does one step
at a time (`push`, `pull`, `offer`, `move_attachments`), each of them one request and one answer, each safe to be cut anywhere:
what is not answered is asked again, and asking again changes nothing. `meeting` lets two kits exchange what the hub has not
answered yet. Messages are in `messages`, their seals in `sealing`, the rules of merging in `merging`.
"""
