"""The only room with sockets: connections, the server and client sides of remoting."""
